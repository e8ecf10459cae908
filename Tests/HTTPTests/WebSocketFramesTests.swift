import Primitives
import Testing

@testable import HTTP

struct WebSocketFramesTests {
  /// A frame of this many bytes.
  private static func frame(_ count: Int, isMasked: Bool) -> [UInt8] {
    let mask: UInt8 = isMasked ? 0x80 : 0
    var bytes: [UInt8] = [0x82]
    switch count {
    case 0..<126: bytes.append(mask | UInt8(count))
    case 126..<65_536: bytes += [mask | 126, UInt8(count >> 8), UInt8(count & 0xFF)]
    default: bytes += [mask | 127] + (0..<8).map { UInt8(truncatingIfNeeded: count >> (56 - 8 * $0)) }
    }
    return bytes + (isMasked ? [1, 2, 3, 4] : []) + [UInt8](repeating: 0x81, count: count)
  }

  /// Wherever the bytes are cut, a side is between frames exactly where a frame ends.
  @Test(arguments: [false, true])
  func itIsBetweenFramesWhereOneEnds(_ isMasked: Bool) {
    for seed in 1...20 as ClosedRange<UInt64> {
      var random = SeededRandom(seed: seed)
      var (bytes, ends): ([UInt8], Set<Int>) = ([], [0])
      for count in [0, 1, 125, 126, 127, 65_535, 65_536, 70_000, 0] {
        bytes += WebSocketFramesTests.frame(count, isMasked: isMasked)
        ends.insert(bytes.count)
      }
      var frames = WebSocketFrames()
      var at = 0
      while at < bytes.count {
        let piece = min(bytes.count - at, 1 + random.below(random.below(2) == 0 ? 5 : 30_000))
        bytes[at..<at + piece].withUnsafeBufferPointer { frames.pass($0.baseAddress!, piece) }
        at += piece
        #expect(frames.isBetweenFrames == ends.contains(at), "seed \(seed) at \(at)")
        // Kept in two words between pieces.
        frames = WebSocketFrames(left: frames.left, place: frames.place)
      }
    }
  }

  @Test func aLengthThatIsNoneLosesTheWay() {
    var frames = WebSocketFrames()
    let bytes: [UInt8] =
      [0x82, 127] + [UInt8](repeating: 0xFF, count: 8) + WebSocketFramesTests.frame(0, isMasked: false)
    frames.pass(bytes, bytes.count)
    #expect(!frames.isBetweenFrames)
  }
}
