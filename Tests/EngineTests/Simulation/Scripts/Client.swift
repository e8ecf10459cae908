import Primitives

/// A scripted client: asks its requests in order, some of them at once, and checks what it is answered.
final class Client: PeerScript {
  /// How a client behaves on all its connections.
  struct Manners {
    var address = IPAddress(v4: 0x0A00_0001)
    var listener = 0
    /// Requests on their way at once.
    var depth = 1
    /// Pieces it sends and reads, and how long it rests after each.
    var sendPiece = Int.max
    var sendRest: Int64 = 0
    var readPiece = Int.max
    var readRest: Int64 = 0
    /// How long it waits between requests.
    var thinks: Int64 = 0
    /// Whether it leaves closing to the proxy once it is done.
    var lingers = false
    /// When it comes; left to chance when it isn't said.
    var comesAt: Int64?
    /// How long the proxy keeps idle connections.
    var keepAlive: Int64 = 60 * .second
    /// Whether it speaks HTTP/2, and how many streams it has open at once.
    var isFramed = false
    var streams = 1
    /// The window of its streams, if it is a small one, and how long it takes to open it again.
    var window: Int?
    var windowRest: Int64 = 0
    /// The longest payload of its DATA frames.
    var framePiece = 16_384
    /// Whether it gives a whole connection up with a request.
    var abortsWhole = false
  }

  unowned(unsafe) let stage: Stage
  let plans: [RequestPlan]
  let manners: Manners
  private(set) var link: Link?
  private(set) var isDone = false
  /// The first request that has no outcome, and the first that was not sent.
  var answering = 0
  private var sending = 0
  private var outbox = Outbox()
  /// Where each request's bytes end in what is sent on this connection.
  private var sentOnLink = 0
  private var requestStart = 0
  var reader = MessageReader(responses: true)
  private var isSending = false
  private var isReading = false
  private var heldBody: [UInt8]?
  private var lastActive = Instant.distantPast
  private var connections = 0
  var answer = AnswerInProgress()
  private var progress = 0
  /// What the newest affinity cookie is, and where it was given.
  var binding: Binding?

  init(_ stage: Stage, _ plans: [RequestPlan], _ manners: Manners) {
    self.stage = stage
    self.plans = plans
    self.manners = manners
  }

  var world: World { stage.world }

  func start() {
    guard answering < plans.count else { return finish() }
    connections += 1
    reader = MessageReader(responses: true)
    answer = AnswerInProgress()
    outbox.removeAll()
    heldBody = nil
    sentOnLink = 0
    sending = answering
    lastActive = world.now
    let port = UInt16(1_024 + connections)
    link = world.connect(self, listener: manners.listener, from: manners.address, port: port)
    fill()
  }

  /// The oldest request without an outcome, if anything of it has come to the proxy.
  var inFlight: RequestPlan? {
    guard let link, answering < sending, !link.isRefused else { return nil }
    let plan = plans[answering]
    return !plan.isFinished && link.toEngine.arrivedCount > plan.startOffset ? plan : nil
  }

  private func finish() {
    isDone = true
    link?.closePeer()
  }

  // MARK: Sending

  /// Begins as many requests as may be on their way.
  private func fill() {
    guard let link, !link.peerIsClosed else { return }
    if answer.announcedEnd, stage.scenario.edition > 1 { return }
    while sending < plans.count, sending - answering < manners.depth {
      let plan = plans[sending]
      if sending > answering, needsSilence(plan) || needsSilence(plans[sending - 1]) { break }
      begin(plan, on: link)
    }
    push()
  }

  private func needsSilence(_ plan: RequestPlan) -> Bool {
    plan.expectsContinue || plan.wantsUpgrade || plan.malformation != nil || plan.clientFault != .none
      || plan.minorVersion == 0
  }

  private func begin(_ plan: RequestPlan, on link: Link) {
    sending += 1
    requestStart = sentOnLink + outbox.count
    plan.clientLink = link
    plan.startOffset = requestStart
    plan.askedAt = stage.oldestInUse
    let cookie = stage.scenario.isSticky && stage.scenario.edition > 1 ? binding?.cookie : nil
    plan.binding = cookie != nil && binding?.tenant == plan.tenant ? binding : nil
    world.note("request \(plan.number) on #\(link.number)")
    stage.note(.asked(request: plan.number))
    reader.methods.append(plan.method)
    outbox.add(plan.requestHead(host: stage.hosts[plan.tenant], isLast: sending == plans.count, cookie: cookie))
    let body = plan.requestBodyBytes(&world.random)
    if plan.expectsContinue, !body.isEmpty {
      heldBody = body
      world.after(.second) { [self] in releaseBody() }
    } else {
      outbox.add(body)
    }
    if case .abortsAfter(let delay, let resetting) = plan.clientFault {
      world.after(delay) { [self] in abort(plan, resetting: resetting) }
    }
    watch(plan)
  }

  /// Sees to it that no request is forgotten.
  private func watch(_ plan: RequestPlan) {
    let seen = progress
    world.after(200 * .second) { [self] in
      guard !plan.isFinished else { return }
      if progress != seen { return watch(plan) }
      stage.judge(plan, .forgotten)
      drop()
    }
  }

  func releaseBody() {
    guard let body = heldBody else { return }
    heldBody = nil
    outbox.add(body)
    push()
  }

  private func push() {
    guard let link, !isSending else { return }
    var bound = manners.sendPiece
    if sending > 0, case .abortsSending(let at, _) = plans[sending - 1].clientFault {
      bound = min(bound, max(0, requestStart + at - sentOnLink))
    }
    let count = outbox.flush(link, bound)
    sentOnLink += count
    if count > 0 {
      progress += 1
      lastActive = world.now
    }
    afterPush(link)
    if answer.endsWhenSent, outbox.isEmpty { return endCutTunnel(link) }
    if manners.sendRest > 0, count > 0, !outbox.isEmpty {
      isSending = true
      world.after(manners.sendRest) { [self] in
        isSending = false
        push()
      }
    }
  }

  private func afterPush(_ link: Link) {
    guard sending > answering, sending > 0 else { return }
    let plan = plans[sending - 1]
    if case .abortsSending(let at, let resetting) = plan.clientFault, sentOnLink >= requestStart + at {
      abort(plan, resetting: resetting)
    } else if plan.clientFault == .halfCloses, outbox.isEmpty, heldBody == nil {
      link.endPeer()
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
    let bytes = link.read(manners.readPiece)
    if !bytes.isEmpty {
      progress += 1
      lastActive = world.now
      reader.feed(bytes)
      while link === self.link, let item = reader.next() { take(item) }
    }
    guard link === self.link else { return }
    if link.isAtEnd { return takeEnd(link) }
    if manners.readRest > 0, !bytes.isEmpty {
      isReading = true
      world.after(manners.readRest) { [self] in
        isReading = false
        receive()
      }
    }
  }

  /// The connection came to its end: what was not answered never will be.
  private func takeEnd(_ link: Link) {
    if answer.endsWhenSent, link.hasOrderlyEnd || stage.scenario.edition == 1 { return }
    if link.hasOrderlyEnd, let tunnel = answer.tunnel, plans[answering].tunnelCut >= 0, !answer.isTunnelDone {
      return sendRest(plans[answering], after: tunnel)
    }
    if link.hasOrderlyEnd, let item = reader.endInput() { take(item) }
    guard link === self.link else { return }
    // A slow reader finds out late that it had been idle for too long, as far as the proxy could see.
    let wasIdle = link.closedAt - max(link.receivedAt, link.sentAt) >= manners.keepAlive - 5 * .second
    let isIdle = connections > 0 && (wasIdle || world.now - lastActive >= manners.keepAlive - 5 * .second)
    let isBegun = answer.head != nil || reader.isAmid
    let isOvertaken = sending > answering + 1 && plans[answering + 1..<sending].contains(where: stage.verdicts.mayBreak)
    var excuse: Outcome.Excuse =
      link.isRefused
      ? .refused
      : isOvertaken ? .overtaken : isBegun ? .none : answer.announcedEnd ? .announced : isIdle ? .idle : .none
    while answering < sending {
      let plan = plans[answering]
      answering += 1
      if plan.isFinished { continue }
      if answer.tunnel != nil {
        stage.judge(plan, tunnelOutcome(plan))
      } else {
        stage.judge(plan, isBegun && excuse == .none ? .cut : .unanswered(excuse))
      }
      answer = AnswerInProgress()
      excuse = link.isRefused ? .refused : .announced
    }
    drop()
  }

  /// The backend ended its half of the tunnel: what the client has still to say must get through.
  private func sendRest(_ plan: RequestPlan, after count: Int) {
    if count != plan.tunnelCut { stage.report("request \(plan.number): \(count) of \(plan.tunnelCut) bytes came back") }
    answer.endsWhenSent = true
    sendRaw(plan.tunnelBytes.bytes(plan.tunnelCut, plan.requestSize - plan.tunnelCut))
  }

  private func endCutTunnel(_ link: Link) {
    link.endPeer()
    answer.isTunnelDone = true
    stage.judge(plans[answering], .tunnelled)
    answering += 1
    drop()
  }

  private func tunnelOutcome(_ plan: RequestPlan) -> Outcome { answer.isTunnelDone ? .tunnelled : .cut }

  // MARK: Ends

  /// Gives up as planned.
  func abort(_ plan: RequestPlan, resetting: Bool) {
    guard !plan.isFinished, let link, plan.clientLink === link else { return }
    plan.isAborted = true
    stage.judge(plan, .gaveUp)
    answering = sending
    self.link = nil
    resetting ? link.abortPeer() : link.closePeer()
    startAgain()
  }

  /// Leaves the connection, and goes on with another if there is more to ask.
  func drop() {
    guard let link else { return }
    self.link = nil
    while answering < sending {
      if !plans[answering].isFinished { stage.judge(plans[answering], .unanswered(.announced)) }
      answering += 1
    }
    link.closePeer()
    startAgain()
  }

  private func startAgain() {
    if answering >= plans.count { return finish() }
    world.after(manners.thinks) { [self] in start() }
  }

  /// The oldest request has its whole answer: goes on.
  func advance(closing: Bool) {
    let wasUpload = !outbox.isEmpty || heldBody != nil
    answering += 1
    progress += 1
    answer = AnswerInProgress()
    if closing {
      answer.announcedEnd = true
      // Some clients wait for the proxy to close, some do not.
      if world.random.chance(50) { return drop() }
      world.after(3 * .second) { [self, link] in
        guard let link, self.link === link else { return }
        drop()
      }
      return
    }
    if wasUpload, heldBody != nil { return drop() }
    if answering >= plans.count {
      if manners.lingers { isDone = true } else { drop() }
      return
    }
    if manners.thinks > 0 {
      world.after(Int64(world.random.below(Int(manners.thinks)))) { [self, link] in
        guard let link, self.link === link else { return }
        fill()
      }
    } else {
      fill()
    }
  }

  /// Sends bytes through a tunnel.
  func sendRaw(_ bytes: [UInt8]) {
    outbox.add(bytes)
    push()
  }
}
