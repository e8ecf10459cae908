import HTTP
import Primitives

/// A scripted client of HTTP/2 with prior knowledge: asks its requests on streams, several at once.
final class StreamClient: PeerScript {
  /// A request on its way.
  private final class Asking {
    let plan: RequestPlan
    var head: Head?
    var isFromBackend = false
    var offset = 0
    var ownBody: [UInt8] = []
    var pace = Pace()
    /// Whether the whole answer has come.
    var isAnswered = false

    init(_ plan: RequestPlan) { self.plan = plan }
  }

  unowned(unsafe) let stage: Stage
  let plans: [RequestPlan]
  let manners: Client.Manners
  private(set) var link: Link?
  private(set) var isDone = false
  private var wire = FrameWire(.client)
  private var asking: [Int32: Asking] = [:]
  private var next = 0
  private var isSending = false
  private var isReading = false
  private var isLeaving = false
  private var progress = 0
  private var connections = 0
  private var binding: Binding?
  private var lastActive = Instant.distantPast

  init(_ stage: Stage, _ plans: [RequestPlan], _ manners: Client.Manners) {
    self.stage = stage
    self.plans = plans
    self.manners = manners
  }

  private var world: World { stage.world }

  /// The requests that have come to the proxy and have no outcome.
  var inFlight: [RequestPlan] {
    guard let link, !link.isRefused else { return [] }
    return asking.values.map(\.plan).filter { !$0.isFinished && link.toEngine.arrivedCount > $0.startOffset }
  }

  func start() {
    guard next < plans.count else { return finish() }
    connections += 1
    wire = FrameWire(.client, window: manners.window)
    wire.piece = manners.framePiece
    asking = [:]
    isLeaving = false
    lastActive = world.now
    let link = world.connect(
      self, listener: manners.listener, from: manners.address, port: UInt16(1_024 + connections))
    self.link = link
    stage.watchFrames(link)
    fill()
  }

  private func finish() {
    isDone = true
    link?.closePeer()
  }

  // MARK: Asking

  private func fill() {
    guard let link, !link.peerIsClosed, !isLeaving else { return push() }
    while next < plans.count, asking.count < manners.streams, wire.mayAsk {
      guard begin(plans[next], on: link) else { break }
      next += 1
    }
    push()
  }

  private func begin(_ plan: RequestPlan, on link: Link) -> Bool {
    plan.startOffset = link.toEngine.arrivedCount + link.toEngine.sent.count
    let cookie = stage.scenario.isSticky ? binding?.cookie : nil
    let place: Int32
    let ends = plan.requestFraming == .none
    if let malformation = plan.malformation {
      place = wire.askRaw(StreamMalformation.fields(malformation, plan, host: stage.hosts[plan.tenant]))
    } else {
      place = wire.ask(
        plan.requestHead(host: stage.hosts[plan.tenant], isLast: false, cookie: cookie, isStream: true), ends: ends)
    }
    guard place >= 0 else { return false }
    plan.clientLink = link
    plan.isStream = true
    plan.askedAt = stage.oldestInUse
    plan.binding = cookie != nil && binding?.tenant == plan.tenant ? binding : nil
    world.note("request \(plan.number) on #\(link.number), stream \(wire.number(place))")
    stage.note(.asked(request: plan.number))
    asking[place] = Asking(plan)
    if !ends, plan.malformation == nil {
      let trailers = plan.requestHasTrailers ? "x-check: \(plan.number)\r\nx-tenant-id: forged\r\n\r\n" : ""
      wire.add(
        plan.requestBody.bytes(0, plan.requestSize), to: place, ends: true, trailers: Array(trailers.utf8))
    }
    if case .abortsAfter(let delay, let resetting) = plan.clientFault {
      world.after(delay) { [self] in abort(plan, resetting: resetting) }
    }
    watch(plan)
    return true
  }

  /// Sees to it that no request is forgotten.
  private func watch(_ plan: RequestPlan) {
    let seen = progress
    world.after(200 * .second) { [self] in
      guard !plan.isFinished else { return }
      if progress != seen { return watch(plan) }
      stage.judge(plan, .forgotten)
      leave()
    }
  }

  private func push() {
    guard let link, !isSending else { return }
    let count = wire.flush(link, manners.sendPiece)
    if count > 0 {
      progress += 1
      lastActive = world.now
    }
    abortSent()
    if manners.sendRest > 0, count > 0, !wire.isDrained {
      isSending = true
      world.after(manners.sendRest) { [self] in
        isSending = false
        push()
      }
    }
  }

  /// Gives up the requests of which as much is sent as they are to send.
  private func abortSent() {
    for (place, asking) in asking.sorted(by: { $0.key < $1.key }) {
      guard case .abortsSending(let at, let resetting) = asking.plan.clientFault else { continue }
      if wire.sentCount(place) >= min(at, asking.plan.requestSize) { abort(asking.plan, resetting: resetting) }
    }
  }

  // MARK: Receiving

  func wake(_ link: Link) {
    guard link === self.link else { return }
    push()
    receive()
  }

  private func receive() {
    guard let link, !isReading else { return }
    let bytes = link.read(min(manners.readPiece, wire.room))
    if !bytes.isEmpty {
      progress += 1
      lastActive = world.now
      wire.feed(bytes)
      while link === self.link, let item = wire.next(at: world.now) { take(item) }
      guard link === self.link else { return }
      push()
    }
    guard link === self.link else { return }
    if link.isAtEnd { return takeEnd(link) }
    if bytes.isEmpty { return }
    isReading = true
    world.after(manners.readRest) { [self] in
      isReading = false
      receive()
    }
  }

  private func take(_ item: FrameWire.Item) {
    switch item {
    case .head(let place, let head, let ends):
      guard let asking = asking[place] else { return }
      take(head, asking)
      if ends { takeWhole([], asking, place) }
    case .data(let place, let bytes, let ends):
      guard let asking = asking[place] else { return }
      take(bytes, asking)
      // A slow reader's windows open as slowly.
      if self.asking[place] === asking { giveBack(bytes.count, of: place, asking) }
      if ends, self.asking[place] === asking { takeWhole([], asking, place) }
    case .trailers(let place, let fields):
      guard let asking = asking[place] else { return }
      takeWhole(fields, asking, place)
    case .reset(let place, let code): takeReset(place, code)
    case .goAway(let last, let code): takeGoAway(last, code)
    case .bad(let reason):
      stage.report("a client of HTTP/2 was sent \(reason)")
      leave()
    }
  }

  private func giveBack(_ count: Int, of place: Int32, _ asking: Asking) {
    guard manners.windowRest > 0 else { return wire.giveBack(count, of: place) }
    let wire = wire
    world.after(manners.windowRest) { [self] in
      guard wire === self.wire, self.asking[place] === asking else { return }
      wire.giveBack(count, of: place)
      push()
    }
  }

  private func take(_ head: Head, _ asking: Asking) {
    let plan = asking.plan
    if head.status < 200 { return }
    if asking.head != nil { return stage.report("request \(plan.number) was sent two heads") }
    asking.head = head
    stage.transcript?.begin(head, of: plan.number, .answer)
    asking.isFromBackend = !head.values("x-origin-id").isEmpty
    for name in ["connection", "transfer-encoding", "keep-alive", "upgrade"] where !head.values(name).isEmpty {
      stage.report("request \(plan.number): \(name) came through to a stream")
    }
    guard asking.isFromBackend else {
      if !head.values("proxy-status").contains(where: { $0.hasPrefix("gatehouse") }) {
        stage.report("request \(plan.number): an answer of nobody: \(head)")
      }
      return
    }
    if head.values("x-origin-id") != ["\(plan.number)"] || head.values("x-origin-tenant") != ["\(plan.tenant)"] {
      stage.note(.read(request: plan.number, isOwn: false))
    }
    if !head.values("x-hop").isEmpty {
      stage.report("request \(plan.number): a field named by Connection came through")
    }
    stage.note(head, of: plan, &binding)
  }

  private func take(_ bytes: [UInt8], _ asking: Asking) {
    let plan = asking.plan
    if asking.isFromBackend {
      stage.note(.read(request: plan.number, isOwn: plan.responseBody.matches(bytes, at: asking.offset)))
    } else if asking.ownBody.count < 4_096 {
      asking.ownBody += bytes
    }
    stage.transcript?.add(bytes, of: plan.number, .answer)
    asking.offset += bytes.count
    asking.pace.note(bytes.count, at: world.now)
    if case .abortsReceiving(let at, let resetting) = plan.clientFault, asking.offset >= at {
      abort(plan, resetting: resetting)
    }
  }

  private func takeWhole(_ trailers: [(name: String, value: String)], _ asking: Asking, _ place: Int32) {
    let plan = asking.plan
    guard let head = asking.head else { return stage.report("request \(plan.number): an end without a head") }
    asking.isAnswered = true
    stage.transcript?.end(trailers, of: plan.number, .answer)
    if asking.isFromBackend {
      if plan.responseHasTrailers, !plan.hasNoBody, trailers.map(\.value) != ["\(plan.number)"] {
        stage.report("request \(plan.number): its trailers came as \(trailers)")
      }
      stage.note(.answered(request: plan.number, status: head.status))
      stage.judge(plan, .answered(status: head.status, bytes: asking.offset))
    } else {
      stage.note(.answered(request: plan.number, status: head.status, isOwn: true))
      let code = OwnAnswer.code(asking.ownBody, status: head.status)
      stage.judge(plan, .refused(status: head.status, code: code))
    }
    letGo(place)
  }

  private func takeReset(_ place: Int32, _ code: HTTP2ErrorCode) {
    guard let asking = asking[place] else { return }
    let plan = asking.plan
    if plan.malformation != nil, code == .protocolError {
      stage.judge(plan, .refused(status: 400, code: "bad_request"))
    } else if !plan.isFinished {
      world.note("stream of request \(plan.number) was reset with \(code)")
      if code == .enhanceYourCalm { plan.isStarved = asking.pace.isDripping(at: world.now) }
      // More were asked than the proxy takes, before it had said how many.
      let isOver = code == .refusedStream && manners.streams > stage.scenario.streamBound
      stage.judge(plan, asking.head != nil ? .cut : .unanswered(isOver ? .announced : .none))
    }
    letGo(place)
  }

  private func takeGoAway(_ last: UInt32, _ code: HTTP2ErrorCode) {
    if code != .noError { stage.report("a client of HTTP/2 was sent away with \(code)") }
    world.note("goaway up to \(last)")
    for (place, asking) in asking.sorted(by: { $0.key < $1.key }) where wire.number(place) > last {
      if !asking.plan.isFinished { stage.judge(asking.plan, .unanswered(.announced)) }
      self.asking[place] = nil
      wire.release(place)
    }
    // Some ask on while they may, some do not.
    if last < 0x7FFF_FFFF || world.random.chance(50) { isLeaving = true }
    leaveIfDone()
  }

  // MARK: Ends

  /// Lets a stream go whose answer came, or will not come.
  private func letGo(_ place: Int32) {
    asking[place] = nil
    if !wire.hasSentEnd(place) { wire.reset(place, .cancel) }
    wire.release(place)
    progress += 1
    leaveIfDone()
    guard let link, manners.thinks > 0 else { return fill() }
    world.after(Int64(world.random.below(Int(manners.thinks)))) { [self] in
      if link === self.link { fill() }
    }
  }

  private func leaveIfDone() {
    guard asking.isEmpty else { return }
    if isLeaving { return leave() }
    guard next >= plans.count else { return }
    if manners.lingers { isDone = true } else { leave() }
  }

  /// Gives up as planned: one stream, or all with their connection.
  private func abort(_ plan: RequestPlan, resetting: Bool) {
    guard !plan.isFinished, let link, plan.clientLink === link,
      let place = asking.first(where: { $0.value.plan === plan })?.key
    else { return }
    plan.isAborted = true
    stage.judge(plan, .gaveUp)
    guard resetting, manners.abortsWhole else {
      asking[place] = nil
      wire.reset(place, .cancel)
      wire.release(place)
      leaveIfDone()
      return fill()
    }
    for (_, other) in asking.sorted(by: { $0.key < $1.key }) where !other.plan.isFinished {
      other.plan.isAborted = true
      stage.judge(other.plan, .gaveUp)
    }
    self.link = nil
    asking = [:]
    link.abortPeer()
    startAgain()
  }

  /// The connection came to its end: what was not answered never will be.
  private func takeEnd(_ link: Link) {
    let wasIdle = link.closedAt - max(link.receivedAt, link.sentAt) >= manners.keepAlive - 5 * .second
    let isIdle = wasIdle || world.now - lastActive >= manners.keepAlive - 5 * .second
    for (_, asking) in asking.sorted(by: { $0.key < $1.key }) where !asking.plan.isFinished {
      let excuse: Outcome.Excuse = link.isRefused ? .refused : isIdle ? .idle : .none
      stage.judge(asking.plan, asking.head != nil ? .cut : .unanswered(excuse))
    }
    asking = [:]
    leave()
  }

  /// Leaves the connection, and goes on with another if there is more to ask.
  private func leave() {
    guard let link else { return }
    self.link = nil
    for (_, asking) in asking.sorted(by: { $0.key < $1.key }) where !asking.plan.isFinished {
      stage.judge(asking.plan, .unanswered(.announced))
    }
    asking = [:]
    link.closePeer()
    startAgain()
  }

  private func startAgain() {
    if next >= plans.count { return finish() }
    world.after(manners.thinks) { [self] in start() }
  }
}
