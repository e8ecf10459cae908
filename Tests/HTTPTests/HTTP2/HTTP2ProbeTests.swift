import HTTP
import Primitives
import Testing

/// Bytes at random, and good ones gone wrong: nothing traps, and all ways tell the same.
struct HTTP2ProbeTests {
  private static let good: [[UInt8]] = [
    Frames.preface + Frames.settings([(4, 100), (1, 0)]) + Frames.headers(1)
      + Frames.headers(3, Frames.post + [("content-length", "3"), ("cookie", "a=b"), ("cookie", "c=d")], ends: false)
      + Frames.data(3, [1, 2, 3], ends: true) + Frames.windowUpdate(0, 100) + Frames.ping + Frames.reset(1),
    Frames.preface + Frames.settings()
      + Frames.frame(1, 0x29, 1, [2, 0, 0, 0, 3, 0] + Frames.block(Frames.post) + [0, 0])
      + Frames.frame(9, 4, 1) + Frames.frame(0, 8, 1, [3, 9, 9, 0, 0, 0]) + Frames.headers(1, [("sum", "1")])
      + Frames.frame(2, 0, 5, [0, 0, 0, 1, 9]) + Frames.frame(7, 0, 0, [0, 0, 0, 0, 0, 0, 0, 0]),
    Frames.preface + Frames.settings() + Frames.frame(1, 5, 1, hex("828684410f7777772e6578616d706c652e636f6d"))
      + Frames.frame(1, 5, 3, hex("828684be58086e6f2d6361636865"))
      + Frames.frame(1, 5, 5, hex("828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf")),
  ]

  /// A few bytes changed, cut out, put in or repeated.
  private func mutated(_ bytes: [UInt8], _ random: inout SeededRandom) -> [UInt8] {
    var bytes = bytes
    for _ in 0..<1 + random.below(3) where !bytes.isEmpty {
      let place = random.below(bytes.count)
      switch random.below(5) {
      case 0: bytes[place] = UInt8(truncatingIfNeeded: random.next())
      case 1: bytes[place] ^= 1 << UInt8(random.below(8))
      case 2: bytes.remove(at: place)
      case 3: bytes.insert(UInt8(truncatingIfNeeded: random.next()), at: place)
      default:
        let end = min(bytes.count, place + 1 + random.below(30))
        bytes.insert(contentsOf: bytes[place..<end], at: random.below(bytes.count))
      }
    }
    return bytes
  }

  @Test(arguments: good.indices) func goodStreams(index: Int) {
    let talk = Talk()
    talk.say(HTTP2ProbeTests.good[index])
    #expect(!talk.hasFailed)
    #expect(HTTP2Probes.stream(HTTP2ProbeTests.good[index]) == nil)
  }

  @Test(arguments: good.indices) func streamsGoneWrong(index: Int) {
    var random = SeededRandom(seed: UInt64(index) + 1)
    for round in 0..<150 {
      let bytes = mutated(HTTP2ProbeTests.good[index], &random)
      #expect(HTTP2Probes.stream(bytes) == nil, "round \(round)")
    }
  }

  @Test func blocksGoneWrong() {
    var random = SeededRandom(seed: 5)
    for round in 0..<1000 {
      let block = mutated(
        Frames.block(Frames.get) + hex("408825a849e95ba97d7f8925a849e95bb8e8b4bf3fe1018286be"), &random)
      #expect(HTTP2Probes.fieldBlock(block) == nil, "round \(round)")
    }
  }

  @Test func randomBytes() {
    var random = SeededRandom(seed: 6)
    for round in 0..<300 {
      let bytes = (0..<random.below(80)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
      #expect(HTTP2Probes.huffman(bytes) == nil, "round \(round)")
      #expect(HTTP2Probes.fieldBlock(bytes) == nil, "round \(round)")
      #expect(HTTP2Probes.stream(Frames.preface + Frames.settings() + bytes) == nil, "round \(round)")
    }
  }
}
