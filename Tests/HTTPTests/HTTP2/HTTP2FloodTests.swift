import HTTP
import Primitives
import Testing

/// A peer that asks for too much is told to be calm, whatever it does too much of.
struct HTTP2FloodTests {
  private func isCalmed(_ kind: FloodKind, _ bounds: HTTP2Bounds = HTTP2Bounds(), _ say: (Talk, Int) -> [UInt8]) -> Int
  {
    let talk = Talk.open(bounds)
    var rounds = 0
    while !talk.hasFailed, rounds < 20_000 {
      talk.say(say(talk, rounds))
      rounds += 1
    }
    #expect(talk.frames.last?.hasSuffix("enhanceYourCalm") == true)
    #expect(talk.flood == kind)
    return rounds
  }

  private func id(_ round: Int) -> UInt32 { UInt32(2 * round + 1) }

  @Test func rapidReset() {
    #expect(isCalmed(.reset) { Frames.headers(id($1)) + Frames.reset(id($1)) } == 101)
    var bounds = HTTP2Bounds()
    bounds.resets = 5
    #expect(isCalmed(.reset, bounds) { Frames.headers(id($1)) + Frames.reset(id($1)) } == 6)
  }

  /// Streams that are reset for the peer's fault count as much as those it resets itself.
  @Test func provokedResets() {
    #expect(isCalmed(.provokedReset) { Frames.headers(id($1)) + Frames.windowUpdate(id($1), 0) } == 101)
    #expect(isCalmed(.provokedReset) { Frames.headers(id($1)) + Frames.data(id($1)) } == 101)
    #expect(isCalmed(.provokedReset) { Frames.headers(id($1), [("A", "b")]) } == 101)
    #expect(isCalmed(.provokedReset) { Frames.headers(id($1)) + Frames.frame(2, 0, id($1)) } == 101)
    #expect(isCalmed(.provokedReset) { _, round in Frames.headers(id(round)) } == 229)
  }

  @Test func resetsOverALongerTime() {
    let talk = Talk.open()
    for round in 0..<1000 {
      talk.now = talk.now.advanced(by: 101 * .millisecond)
      talk.say(Frames.headers(id(round)) + Frames.reset(id(round)))
    }
    #expect(!talk.hasFailed)
  }

  @Test func continuations() {
    let talk = Talk.open()
    talk.say(Frames.frame(1, 1, 1, [0x82]))
    for _ in 0..<33 { talk.say(Frames.frame(9, 0, 1)) }
    #expect(talk.flood == .continuation)
    let large = Talk.open()
    large.say(Frames.frame(1, 1, 1, [0x82]))
    for _ in 0..<5 { large.say(Frames.frame(9, 0, 1, [UInt8](repeating: 0, count: 16_384))) }
    #expect(large.flood == .continuation)
  }

  /// Few bytes that stand for many: a large entry, named again and again.
  @Test func fieldBomb() {
    let value = [UInt8](repeating: 0x61, count: 4000)
    let entry: [UInt8] = [0x40, 1, 0x78, 0x7F, 0xA1, 0x1E] + value
    let talk = Talk.open()
    talk.say(Frames.frame(1, 5, 1, Frames.block(Frames.get) + entry + [UInt8](repeating: 0xBE, count: 200)))
    #expect(talk.flood == .fieldBomb)
    let mild = Talk.open()
    mild.say(Frames.frame(1, 5, 1, Frames.block(Frames.get) + entry + [UInt8](repeating: 0xBE, count: 20)))
    mild.say(Frames.frame(1, 5, 3, Frames.block(Frames.get) + [0xBE]))
    #expect(mild.log == ["request 1 tooLarge end", "request 3 end"])
  }

  @Test func framesThatMoveNothing() {
    #expect(isCalmed(.ping) { _, _ in Frames.ping } == 501)
    #expect(isCalmed(.settings) { _, _ in Frames.settings() } == 499)
    #expect(isCalmed(.settings) { _, _ in Frames.acknowledgement } == 499)
    #expect(isCalmed(.priority) { _, _ in Frames.frame(2, 0, 1, [0, 0, 0, 0, 0]) } == 501)
    #expect(isCalmed(.windowUpdate) { _, _ in Frames.windowUpdate(0, 1) } == 2001)
    #expect(isCalmed(.unknownFrame) { _, _ in Frames.frame(0xF0) } == 501)
    #expect(isCalmed(.emptyData) { $1 == 0 ? Frames.headers(1, Frames.post, ends: false) : Frames.data(1) } == 102)
  }

  /// A download explains the windows that it opens.
  @Test func windowUpdatesOfADownload() {
    let talk = Talk.open()
    talk.say(Frames.headers(1))
    let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: 9)
    defer { memory.deallocate() }
    for _ in 0..<20_000 {
      talk.connection.frameData(of: 0, 1000, endsStream: false, at: memory)
      talk.say(Frames.windowUpdate(0, 1000) + Frames.windowUpdate(1, 1000))
    }
    #expect(!talk.hasFailed)
  }

  /// Streams before the bound on them is known are refused without blame.
  @Test func streamsBeforeTheBoundIsKnown() {
    var bounds = HTTP2Bounds()
    bounds.streams = 2
    bounds.resets = 1
    let talk = Talk(.server, bounds)
    talk.say(Frames.preface + Frames.settings())
    for round in 0..<20 { talk.say(Frames.headers(id(round))) }
    #expect(!talk.hasFailed)
    #expect(talk.frames.filter { $0.hasSuffix("refusedStream") }.count == 18)
    #expect(talk.streamCount == 2)
  }

  /// A peer that never acknowledges the bound, and begins one stream after the other.
  @Test(arguments: [(streams: 1, resets: 100), (128, 100), (128, 5), (1_000, 1)])
  func streamsOfAPeerThatNeverAcknowledges(streams: Int, resets: Int) {
    var bounds = HTTP2Bounds()
    bounds.streams = streams
    bounds.resets = Int64(resets)
    let talk = Talk(.server, bounds)
    talk.say(Frames.preface + Frames.settings())
    var rounds = 0
    while !talk.hasFailed, rounds < 20_000 {
      talk.say(Frames.headers(id(rounds)))
      rounds += 1
    }
    #expect(talk.flood == .provokedReset)
    #expect(rounds == streams + 1_000 + resets + 1)
  }
}
