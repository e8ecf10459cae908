import Primitives

@testable import Engine

/// A scripted backend.
final class Origin: Server {
  /// How it takes connections.
  enum Mood {
    case up, refusing, refusingAtOnce, silent
  }

  /// How it answers health checks.
  enum CheckMood: CaseIterable {
    case good, failing, silent, closing, malformed
  }

  unowned(unsafe) let stage: Stage
  let shard: String
  let place: Int
  var mood = Mood.up
  var checkMood = CheckMood.good
  /// How often it closes an idle connection soon after an answer, in percent.
  var staleness = 0
  /// Streams of HTTP/2 it takes at once on a connection, and their window if it is a small one.
  var streams = 128
  var window: Int?

  init(_ stage: Stage, shard: String, place: Int) {
    self.stage = stage
    self.shard = shard
    self.place = place
  }

  func greet(_ link: Link) -> Greeting {
    switch mood {
    case .up: .take(stage.scenario.hasStreams ? OriginEntrance(self) : OriginConnection(self, link))
    case .refusing: .refuse
    case .refusingAtOnce: .refuseAtOnce
    case .silent: .silence
    }
  }
}

/// One connection to a scripted backend.
final class OriginConnection: PeerScript {
  let origin: Origin
  unowned(unsafe) let stage: Stage
  let link: Link
  private var reader = MessageReader(responses: false)
  private var outbox = Outbox()
  /// The request being read or answered.
  private var plan: RequestPlan?
  private var fault = RequestPlan.Fault.none
  private var offset = 0
  private var hasWholeRequest = false
  private var isAnswering = false
  private var isWriting = false
  private var isReading = false
  private var isOver = false
  private var isTunnel = false
  private var served = 0

  /// A connection on which `first` was received already.
  init(_ origin: Origin, _ link: Link, first: [UInt8] = []) {
    self.origin = origin
    self.stage = origin.stage
    self.link = link
    reader.feed(first)
  }

  private var world: World { stage.world }

  func wake(_ link: Link) {
    guard !isOver else { return }
    write()
    read()
  }

  private func read() {
    guard !isReading else { return }
    // By the request that is being read, whichever comes next.
    let (piece, rest) = (plan?.readPiece ?? .max, plan?.readRest ?? 0)
    let bytes = link.read(piece)
    reader.feed(bytes)
    while !isOver, let item = reader.next() { take(item) }
    if !isOver, link.isAtEnd { return takeEnd() }
    guard rest > 0, !bytes.isEmpty, !isOver else { return }
    isReading = true
    world.after(rest) { [self] in
      isReading = false
      if !isOver { read() }
    }
  }

  // MARK: Requests

  private func take(_ item: MessageReader.Item) {
    switch item {
    case .bad(let reason):
      stage.report("a backend was sent \(reason)")
      over(resetting: true)
    case .head(let head): take(head)
    case .body(let bytes):
      guard let plan else { return }
      if isTunnel {
        stage.note(.read(request: plan.number, isOwn: plan.tunnelBytes.matches(bytes, at: offset)))
        offset += bytes.count
        // What comes after the backend's own end is taken in and not echoed.
        outbox.add(plan.tunnelCut < 0 ? bytes : Array(bytes.prefix(max(0, plan.tunnelCut - offset + bytes.count))))
        write()
        return cutTunnel(plan)
      }
      stage.note(.read(request: plan.number, isOwn: plan.requestBody.matches(bytes, at: offset)))
      stage.transcript?.add(bytes, of: plan.number, .request)
      offset += bytes.count
    case .end(let trailers):
      guard let plan else { return }
      hasWholeRequest = true
      stage.transcript?.end(trailers, of: plan.number, .request)
      origin.check(trailers, of: plan, offset)
      if !plan.answersEarly { answerSoon(plan) } else { settle() }
    }
  }

  private func take(_ head: Head) {
    if head.target == "/healthz" { return answerCheck() }
    guard let number = RequestPlan.number(in: head.target), stage.plans.indices.contains(number) else {
      return stage.report("a backend was asked for '\(head.line)'")
    }
    if plan != nil { stage.report("request \(number) was sent to a backend before it had answered another") }
    let plan = stage.plans[number]
    if plan.malformation?.isInHead == true { stage.report("request \(number), malformed, came to a backend: \(head)") }
    self.plan = plan
    stage.transcript?.begin(head, of: number, .request)
    offset = 0
    hasWholeRequest = false
    isAnswering = false
    fault = plan.arrivals < plan.faults.count ? plan.faults[plan.arrivals] : .none
    plan.arrivals += 1
    plan.currentFault = fault
    plan.isAnsweredWhole = false
    if plan.malformation == nil { origin.check(head, plan, isStream: false) }
    stage.note(.answersAnew(request: number))
    if head.values("expect").contains("100-continue"), world.random.chance(80) {
      outbox.add(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8))
      write()
    }
    if plan.answersEarly || plan.wantsUpgrade { answerSoon(plan) }
  }

  private func answerCheck() {
    switch origin.checkMood {
    case .good: outbox.add(Array("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".utf8))
    case .failing: outbox.add(Array("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n".utf8))
    case .malformed: outbox.add(Array(Self.malformed[0].utf8))
    case .silent: return
    case .closing: return over(resetting: world.random.chance(50))
    }
    write()
  }

  private func takeEnd() {
    if let plan {
      if isTunnel {
        if offset < plan.requestSize, plan.tunnelCut >= 0, plan.clientFault == .none, world.weather.climate != .rough,
          !stage.isPastDrain
        {
          stage.report("request \(plan.number): \(offset) of \(plan.requestSize) bytes came through a tunnel")
        }
        if link.hasOrderlyEnd {
          link.endPeer()
          if outbox.isEmpty { over(resetting: false) }
          return
        }
      } else if stage.world.weather.climate == .calm, plan.clientFault == .none || plan.clientFault == .halfCloses,
        !plan.isFinished, plan.malformation == nil, !stage.verdicts.isTooLong(plan), !plan.isAnsweredWhole,
        !stage.isPastDrain
      {
        stage.report("request \(plan.number): the proxy left its backend")
      }
    }
    over(resetting: false)
  }

  /// Ends the backend's half of a tunnel, if it is to end first.
  private func cutTunnel(_ plan: RequestPlan) {
    if plan.tunnelCut >= 0, offset >= plan.tunnelCut, outbox.isEmpty { link.endPeer() }
  }

  private func over(resetting: Bool) {
    isOver = true
    outbox.removeAll()
    resetting ? link.abortPeer() : link.closePeer()
  }

  // MARK: Answers

  private func answerSoon(_ plan: RequestPlan) {
    world.after(plan.thinks) { [self] in
      guard !isOver, self.plan === plan, !isAnswering else { return }
      isAnswering = true
      answer(plan)
    }
  }

  private func answer(_ plan: RequestPlan) {
    switch fault {
    case .closesUnanswered(let resetting): return over(resetting: resetting)
    case .silence: return
    case .malformed(let number):
      outbox.add(Array(Self.malformed[number % Self.malformed.count].utf8))
      return write()
    case .unaskedSwitch:
      outbox.add(Array("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: evil\r\n\r\nEVIL".utf8))
      return write()
    case .none, .breaksOff, .extraBytes: break
    }
    if plan.wantsUpgrade {
      outbox.add(Array("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n".utf8))
      isTunnel = true
      offset = 0
      reader.becomeRaw()
      write()
      cutTunnel(plan)
      return wakeAgain()
    }
    for _ in 0..<plan.interim { outbox.add(Array("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n".utf8)) }
    if fault == .extraBytes { link.toEngine.isWhole = true }
    outbox.add(plan.responseHead(place: stage.scenario.edition > 1 ? origin.place : nil))
    let whole = plan.responseBodyBytes(&world.random)
    if case .breaksOff(let at, _) = fault {
      stage.note(.brokenOff(request: plan.number))
      outbox.add(Array(whole.prefix(at)))
    } else {
      outbox.add(whole)
      if fault == .extraBytes { outbox.add(Array(Self.poison.utf8)) }
    }
    write()
  }

  /// Reads what came while the protocol was switched.
  private func wakeAgain() { link.wakePeer() }

  private func write() {
    guard !isWriting, !isOver, !outbox.isEmpty else { return }
    outbox.flush(link, plan?.piece ?? .max)
    if outbox.isEmpty {
      if isTunnel, let plan { cutTunnel(plan) }
      return settle()
    }
    guard let rest = plan?.rest, rest > 0 else { return }
    isWriting = true
    world.after(rest) { [self] in
      isWriting = false
      write()
    }
  }

  /// Goes on to the next request once this one is read and answered.
  private func settle() {
    guard let plan, isAnswering, outbox.isEmpty, !isOver, !isTunnel else { return }
    switch fault {
    case .breaksOff(_, let resetting): return over(resetting: resetting)
    case .malformed, .unaskedSwitch, .silence: return
    default: break
    }
    plan.isAnsweredWhole = true
    if !plan.keepsConnection { link.endPeer() }
    guard hasWholeRequest else { return }
    self.plan = nil
    served += 1
    if !plan.keepsConnection { return over(resetting: false) }
    let count = served
    if world.random.chance(origin.staleness) {
      world.after(Int64(world.random.below(40)) * .millisecond) { [self] in
        // Not before its answer has arrived: a reset would overtake it.
        guard self.plan == nil, served == count, !isOver, !reader.isAmid, link.toEngine.sent.isEmpty else { return }
        over(resetting: world.random.chance(30))
      }
    }
  }

  /// What looks like an answer to the next request.
  static let poison = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nX-Origin-Id: 0\r\n\r\nPOISON"

  /// Heads that are no heads.
  static let malformed = [
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\nContent-Length: 0\n\n", "HTTP/1.1 200 OK\r\nA: b\r\n folded\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 2000 OK\r\n\r\n", "SSH-2.0-OpenSSH\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
  ]
}
