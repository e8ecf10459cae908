import HTTPReference
import Primitives

/// What is seen at the seam of a connection that speaks HTTP/2, by slow readers of both its ways: whether the engine
/// keeps to the rules and to the windows that its peer has opened.
struct FrameTap {
  /// One stream.
  private struct Stream {
    var plan: RequestPlan?
    /// Bytes of DATA the engine may still send, the way the peer's frames came to it.
    var window: Int
    var hasSentHead = false
    var hasSentEnd = false
    /// Whether the engine has reset it; what the peer resets may have frames on their way.
    var isReset = false
  }

  /// One way of the connection.
  private struct Way {
    var rest: [UInt8] = []
    var preface: Int
    var decoder = ReferenceFieldDecoder(tableSize: 4096)
    var block: [UInt8] = []

    init(hasPreface: Bool) { preface = hasPreface ? 24 : 0 }

    /// The frames that are whole with these bytes.
    mutating func take(_ bytes: [UInt8]) -> [ReferenceFrames.Frame] {
      rest += bytes
      if preface > 0 {
        let count = min(preface, rest.count)
        rest.removeFirst(count)
        preface -= count
      }
      let frames = ReferenceFrames(rest)
      rest = Array(frames.rest)
      return frames.all
    }
  }

  private let isToBackend: Bool
  private var out: Way
  private var back: Way
  private var streams: [UInt32: Stream] = [:]
  private var initialWindow = 65_535
  private var window = 65_535
  private var highest: UInt32 = 0
  /// The last stream that the peer will look at.
  private var last = UInt32.max
  private var isBroken = false

  init(isToBackend: Bool) {
    self.isToBackend = isToBackend
    out = Way(hasPreface: isToBackend)
    back = Way(hasPreface: !isToBackend)
  }

  // MARK: The engine sends

  mutating func send(_ bytes: [UInt8], _ link: Link, _ stage: Stage) {
    for frame in out.take(bytes) where !isBroken {
      switch frame.type {
      case 0: sendData(frame, link, stage)
      case 1, 9: sendHead(frame, link, stage)
      case 3:
        if streams[frame.stream]?.isReset == true { complain("two resets of stream \(frame.stream)", link, stage) }
        streams[frame.stream]?.isReset = true
        if isToBackend { streams[frame.stream]?.hasSentEnd = true }
      default: continue
      }
    }
  }

  private mutating func sendData(_ frame: ReferenceFrames.Frame, _ link: Link, _ stage: Stage) {
    guard var stream = streams[frame.stream], stream.hasSentHead, !stream.hasSentEnd, !stream.isReset else {
      return complain("DATA on stream \(frame.stream), which is not open for it", link, stage)
    }
    stream.window -= frame.payload.count
    window -= frame.payload.count
    if window < 0 { complain("DATA beyond the window of the connection", link, stage) }
    if stream.window < 0 { complain("DATA beyond the window of stream \(frame.stream)", link, stage) }
    if frame.flags & 1 != 0 { stream.hasSentEnd = true }
    streams[frame.stream] = stream
    if let plan = stream.plan { count(plan, frame.payload.count, isSent: true, stage) }
  }

  private mutating func sendHead(_ frame: ReferenceFrames.Frame, _ link: Link, _ stage: Stage) {
    out.block += frame.payload
    if frame.type == 1 {
      if isToBackend, streams[frame.stream] == nil { open(frame.stream, link, stage) }
      guard streams[frame.stream]?.hasSentEnd == false, streams[frame.stream]?.isReset == false else {
        return complain("HEADERS on stream \(frame.stream), which is not open for it", link, stage)
      }
      if frame.flags & 1 != 0 { streams[frame.stream]!.hasSentEnd = true }
    }
    guard frame.flags & 4 != 0 else { return }
    guard let fields = out.decoder.decode(out.block) else {
      return complain("a field block that can't be decoded", link, stage)
    }
    out.block = []
    for field in fields where field.name.contains(where: { $0 &- 0x41 < 26 }) {
      complain("the name \(String(decoding: field.name, as: UTF8.self))", link, stage)
    }
    let isFirst = !streams[frame.stream]!.hasSentHead
    streams[frame.stream]!.hasSentHead = true
    // What was framed before GOAWAY came is sent behind it, and dropped by the peer.
    guard isToBackend, isFirst, frame.stream <= last, let plan = plan(fields, stage) else { return }
    streams[frame.stream]!.plan = plan
    plan.begin()
    stage.note(.attempted(request: plan.number, isSafe: plan.isSafe, link: link.number))
    let epoch = fields.first { String(decoding: $0.name, as: UTF8.self) == "x-placement-epoch" }
    stage.noteRoute(of: plan, epoch: epoch.map { String(decoding: $0.value, as: UTF8.self) })
  }

  private mutating func open(_ id: UInt32, _ link: Link, _ stage: Stage) {
    if id <= highest || id % 2 == 0 { complain("stream \(id) behind \(highest)", link, stage) }
    highest = id
    // What was framed before SETTINGS came may be sent behind them.
    streams[id] = Stream(window: max(65_535, initialWindow))
  }

  // MARK: The engine receives

  mutating func receive(_ bytes: [UInt8], _ link: Link, _ stage: Stage) {
    for frame in back.take(bytes) where !isBroken {
      switch frame.type {
      case 0:
        if let plan = streams[frame.stream]?.plan { count(plan, frame.payload.count, isSent: false, stage) }
      case 1, 9: receiveHead(frame, link, stage)
      case 3: receiveReset(frame, link, stage)
      case 4 where frame.flags & 1 == 0: receiveSettings(frame)
      case 7: receiveEnd(frame, link, stage)
      case 8:
        streams[frame.stream]?.window += Int(frame.word(0))
        if frame.stream == 0 { window += Int(frame.word(0)) }
      default: continue
      }
    }
  }

  private mutating func receiveHead(_ frame: ReferenceFrames.Frame, _ link: Link, _ stage: Stage) {
    back.block += frame.payload
    guard frame.flags & 4 != 0 else { return }
    let fields = back.decoder.decode(back.block)
    back.block = []
    if isToBackend {
      guard let plan = streams[frame.stream]?.plan else { return }
      return stage.note(.answerBegan(request: plan.number, link: link.number))
    }
    guard streams[frame.stream] == nil else { return }
    streams[frame.stream] = Stream(window: initialWindow)
    streams[frame.stream]!.plan = fields.flatMap { plan($0, stage) }
  }

  private mutating func receiveReset(_ frame: ReferenceFrames.Frame, _ link: Link, _ stage: Stage) {
    // 1, 3, 5, 6: faults of the one who is told.
    if [1, 3, 5, 6].contains(frame.word(0)) { complain("told that stream \(frame.stream) is at fault", link, stage) }
    guard isToBackend, frame.word(0) == 7, let plan = streams[frame.stream]?.plan else { return }
    streams[frame.stream]!.plan = nil
    stage.note(.unseen(request: plan.number))
  }

  private mutating func receiveEnd(_ frame: ReferenceFrames.Frame, _ link: Link, _ stage: Stage) {
    if frame.word(4) != 0 { complain("told that the connection ends for fault \(frame.word(4))", link, stage) }
    guard isToBackend else { return }
    last = min(last, frame.word(0))
    for (id, stream) in streams.sorted(by: { $0.key < $1.key }) where id > frame.word(0) && !stream.isReset {
      guard let plan = stream.plan else { continue }
      streams[id]!.plan = nil
      stage.note(.unseen(request: plan.number))
    }
  }

  private mutating func receiveSettings(_ frame: ReferenceFrames.Frame) {
    for at in stride(from: 0, to: frame.payload.count, by: 6) where frame.payload[at + 1] == 4 {
      let window = Int(frame.word(at + 2))
      if !isToBackend || window > initialWindow {
        for id in streams.keys { streams[id]!.window += window - initialWindow }
      }
      initialWindow = window
    }
  }

  // MARK: Both

  private func plan(_ fields: [ReferenceFieldDecoder.Field], _ stage: Stage) -> RequestPlan? {
    guard let path = fields.first(where: { $0.name == Array(":path".utf8) })?.value,
      let number = RequestPlan.number(in: String(decoding: path, as: UTF8.self)), stage.plans.indices.contains(number)
    else { return nil }
    return stage.plans[number]
  }

  private func count(_ plan: RequestPlan, _ bytes: Int, isSent: Bool, _ stage: Stage) {
    switch (isToBackend, isSent) {
    case (true, true): plan.passed.upSent += bytes
    case (true, false): plan.passed.downReceived += bytes
    case (false, true): plan.passed.downSent += bytes
    case (false, false): plan.passed.upReceived += bytes
    }
    let held = max(plan.passed.upHeld, plan.passed.downHeld)
    if held > 65_536, plan.passed.isSeen { stage.note(.held(request: plan.number, bytes: held)) }
  }

  private mutating func complain(_ reason: String, _ link: Link, _ stage: Stage) {
    isBroken = true
    stage.report("the engine's frames on #\(link.number): \(reason)")
  }
}

/// Bytes of a request's bodies that the engine has taken and sent, where both sides are seen in frames.
struct PassedBytes {
  /// Whether both sides are.
  var isSeen = false
  var upReceived = 0
  var upSent = 0
  var downReceived = 0
  var downSent = 0

  /// Bytes of the request that the engine holds.
  var upHeld: Int { upReceived - upSent }
  /// Bytes of the answer that the engine holds.
  var downHeld: Int { downReceived - downSent }
}
