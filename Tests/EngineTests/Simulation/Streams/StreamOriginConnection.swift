import HTTP
import Primitives

/// One connection to a scripted backend that is spoken to in HTTP/2.
final class StreamOriginConnection: PeerScript {
  /// A request that is read or answered.
  private final class Serving {
    let plan: RequestPlan
    let fault: RequestPlan.Fault
    var offset = 0
    var pace = Pace()
    var hasWholeRequest = false
    var isAnswering = false
    /// Bytes of the answer's body that are said.
    var said = 0
    var isAnswered = false

    init(_ plan: RequestPlan, _ fault: RequestPlan.Fault) {
      self.plan = plan
      self.fault = fault
    }
  }

  private let origin: Origin
  private unowned(unsafe) let stage: Stage
  private let link: Link
  private let wire: FrameWire
  private var serving: [Int32: Serving] = [:]
  private var isReading = false
  private var isLeaving = false
  private var isOver = false

  init(_ origin: Origin, _ link: Link, first: [UInt8]) {
    self.origin = origin
    self.link = link
    stage = origin.stage
    wire = FrameWire(.server, streams: origin.streams, window: origin.window)
    wire.feed(first)
    wire.flush(link)
  }

  private var world: World { stage.world }

  func wake(_ link: Link) {
    guard !isOver else { return }
    push()
    read()
  }

  private func push() {
    guard !isOver else { return }
    wire.flush(link)
    // Windows may have let the rest of an answer wait.
    for (place, serving) in serving.sorted(by: { $0.key < $1.key }) where serving.isAnswered { settle(serving, place) }
    // It is the proxy that closes: bytes that nobody read would make a close of ours a reset.
    if isLeaving, serving.isEmpty, wire.isDrained { link.endPeer() }
  }

  private func read() {
    guard !isReading, !isOver else { return }
    let bytes = link.read(wire.room)
    if !bytes.isEmpty { wire.feed(bytes) }
    while !isOver, let item = wire.next(at: world.now) { take(item) }
    push()
    if !isOver, link.isAtEnd { return takeEnd() }
    guard !bytes.isEmpty, !isOver else { return }
    isReading = true
    world.after(0) { [self] in
      isReading = false
      read()
    }
  }

  private func over(resetting: Bool) {
    isOver = true
    serving = [:]
    resetting ? link.abortPeer() : link.closePeer()
  }

  // MARK: Requests

  private func take(_ item: FrameWire.Item) {
    switch item {
    case .head(let place, let head, let ends): take(head, place, ends: ends)
    case .data(let place, let bytes, let ends):
      guard let serving = serving[place] else { return wire.giveBack(bytes.count, of: place) }
      let plan = serving.plan
      stage.note(.read(request: plan.number, isOwn: plan.requestBody.matches(bytes, at: serving.offset)))
      stage.transcript?.add(bytes, of: plan.number, .request)
      serving.offset += bytes.count
      serving.pace.note(bytes.count, at: world.now)
      giveBack(bytes.count, of: place, serving)
      if ends { takeWhole([], serving, place) }
    case .trailers(let place, let fields):
      guard let serving = serving[place] else { return }
      takeWhole(fields, serving, place)
    case .reset(let place, let code): takeReset(place, code)
    case .goAway(_, let code):
      if code != .noError { stage.report("a backend was sent away with \(code)") }
      isLeaving = true
    case .bad(let reason):
      stage.report("a backend of HTTP/2 was sent \(reason)")
      over(resetting: true)
    }
  }

  private func giveBack(_ count: Int, of place: Int32, _ serving: Serving) {
    guard serving.plan.readRest > 0 else { return wire.giveBack(count, of: place) }
    world.after(serving.plan.readRest) { [self] in
      guard !isOver, self.serving[place] === serving else { return }
      wire.giveBack(count, of: place)
      push()
    }
  }

  private func take(_ head: Head, _ place: Int32, ends: Bool) {
    guard let number = RequestPlan.number(in: head.target), stage.plans.indices.contains(number) else {
      if head.target == "/healthz" { return answerCheck(place) }
      return stage.report("a backend was asked for '\(head.line)'")
    }
    let plan = stage.plans[number]
    if plan.malformation?.isInHead == true { stage.report("request \(number), malformed, came to a backend: \(head)") }
    let fault = plan.arrivals < plan.faults.count ? plan.faults[plan.arrivals] : .none
    plan.arrivals += 1
    plan.currentFault = fault
    plan.isAnsweredWhole = false
    let serving = Serving(plan, fault)
    self.serving[place] = serving
    stage.transcript?.begin(head, of: number, .request)
    if plan.malformation == nil { origin.check(head, plan, isStream: true) }
    stage.note(.answersAnew(request: number))
    if head.values("expect").contains("100-continue"), world.random.chance(80) {
      wire.answer(place, Array("HTTP/1.1 100 Continue\r\n\r\n".utf8), ends: false)
    }
    if ends { takeWhole([], serving, place) } else if plan.answersEarly { answerSoon(serving, place) }
  }

  private func takeWhole(_ trailers: [(name: String, value: String)], _ serving: Serving, _ place: Int32) {
    serving.hasWholeRequest = true
    stage.transcript?.end(trailers, of: serving.plan.number, .request)
    origin.check(trailers, of: serving.plan, serving.offset)
    if serving.isAnswering { settle(serving, place) } else { answerSoon(serving, place) }
  }

  private func answerCheck(_ place: Int32) {
    let status: Int
    switch origin.checkMood {
    case .good: status = 200
    case .failing, .malformed: status = 503
    case .silent: return
    case .closing: return over(resetting: world.random.chance(50))
    }
    wire.answer(place, Array("HTTP/1.1 \(status) \r\ncontent-length: 0\r\n\r\n".utf8), ends: true)
    wire.release(place)
  }

  private func takeReset(_ place: Int32, _ code: HTTP2ErrorCode) {
    guard let serving = serving[place] else { return }
    let plan = serving.plan
    world.note("stream \(wire.number(place)) of request \(plan.number) was reset with \(code)")
    if !serving.hasWholeRequest, serving.pace.isDripping(at: world.now) { plan.isStarved = true }
    if world.weather.climate == .calm, plan.clientFault == .none, !plan.isFinished, plan.malformation == nil,
      !stage.verdicts.isTooLong(plan), !plan.isAnsweredWhole, !stage.isPastDrain, !plan.isStarved
    {
      stage.report("request \(plan.number): the proxy left its backend")
    }
    letGo(place)
  }

  private func letGo(_ place: Int32) {
    guard serving.removeValue(forKey: place) != nil else { return }
    wire.release(place)
    push()
  }

  private func takeEnd() {
    for (_, serving) in serving.sorted(by: { $0.key < $1.key }) {
      let plan = serving.plan
      guard world.weather.climate == .calm, plan.clientFault == .none, !plan.isFinished, plan.malformation == nil,
        !stage.verdicts.isTooLong(plan), !plan.isAnsweredWhole, !stage.isPastDrain
      else { continue }
      stage.report("request \(plan.number): the proxy left its backend")
    }
    over(resetting: false)
  }

  // MARK: Answers

  private func answerSoon(_ serving: Serving, _ place: Int32) {
    world.after(serving.plan.thinks) { [self] in
      guard !isOver, self.serving[place] === serving, !serving.isAnswering else { return }
      serving.isAnswering = true
      answer(serving, place)
      push()
    }
  }

  private func answer(_ serving: Serving, _ place: Int32) {
    let plan = serving.plan
    switch serving.fault {
    case .closesUnanswered(let resetting):
      // Refused unseen, as far as the proxy can know; or broken by whoever looked at it.
      wire.reset(place, resetting ? .internalError : .refusedStream)
      return letGo(place)
    case .silence: return
    case .malformed(let number): return wire.answerRaw(place, Self.malformed[number % Self.malformed.count])
    case .unaskedSwitch: return wire.answerRaw(place, [(":status", "101"), ("upgrade", "evil")])
    case .none, .breaksOff, .extraBytes: break
    }
    for _ in 0..<plan.interim {
      wire.answer(place, Array("HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n".utf8), ends: false)
    }
    let isEmpty = plan.hasNoBody || plan.responseSize == 0 && plan.responseFraming != .chunked
    let breaks = if case .breaksOff = serving.fault { true } else { false }
    if breaks { stage.note(.brokenOff(request: plan.number)) }
    wire.answer(place, plan.responseHead(place: origin.place, isStream: true), ends: isEmpty && !breaks)
    if isEmpty, !breaks {
      serving.isAnswered = true
      return settle(serving, place)
    }
    say(serving, place)
  }

  /// Says the next piece of an answer's body.
  private func say(_ serving: Serving, _ place: Int32) {
    guard !isOver, self.serving[place] === serving else { return }
    let plan = serving.plan
    var end = plan.hasNoBody ? 0 : plan.responseSize
    var breaks = false
    if case .breaksOff(let at, _) = serving.fault { (end, breaks) = (min(end, at), true) }
    let count = min(end - serving.said, plan.rest > 0 ? plan.piece : .max)
    let isLast = serving.said + count == end
    let trailers = plan.responseHasTrailers && !breaks ? Array("x-check: \(plan.number)\r\n\r\n".utf8) : []
    wire.add(
      plan.responseBody.bytes(serving.said, count), to: place, ends: isLast && !breaks, trailers: isLast ? trailers : []
    )
    serving.said += count
    push()
    guard isLast else {
      world.after(plan.rest) { [self] in say(serving, place) }
      return
    }
    guard breaks else {
      serving.isAnswered = true
      return settle(serving, place)
    }
    world.after(.millisecond) { [self] in
      guard !isOver, self.serving[place] === serving else { return }
      wire.reset(place, .internalError)
      letGo(place)
    }
  }

  /// Lets a stream go once it is read and answered; after some the connection takes no more.
  private func settle(_ serving: Serving, _ place: Int32) {
    guard serving.isAnswered, self.serving[place] === serving else { return }
    serving.plan.isAnsweredWhole = true
    guard serving.hasWholeRequest, wire.hasSentEnd(place) else { return }
    if !isLeaving, !serving.plan.keepsConnection || world.random.chance(origin.staleness / 2) {
      isLeaving = true
      wire.goAway()
      stage.verdicts.hasGoneAway = true
    }
    letGo(place)
  }

  /// Heads that are no heads.
  private static let malformed: [[(String, String)]] = [
    [(":status", "2000")], [(":status", "99")], [("x-early", "1"), (":status", "200")],
    [(":status", "200"), ("Upper", "1")], [(":status", "200"), ("connection", "close")],
    [(":status", "200"), ("content-length", "5"), ("content-length", "6")],
    [(":status", "200"), ("x-bare", "a\rb")], [(":status", "200"), ("transfer-encoding", "chunked")],
  ]
}
