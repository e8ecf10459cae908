import HTTP
import Primitives

/// A piece of a body, framed for the other side, and how far it brought its body.
struct BodyPiece {
  /// What became of the body with this piece.
  enum Outcome {
    /// More is to come.
    case more
    /// That was all.
    case ended
    /// The last chunk is through; its trailer section starts behind the bytes used.
    case trailers
    /// The framing is broken.
    case bad
  }
  /// The framed bytes, in the memory of the piece itself.
  var bytes: UnsafeMutablePointer<UInt8>
  /// How many there are.
  var count: Int
  /// Bytes of the sender that were used.
  var used: Int
  var outcome: Outcome
}

extension BodyProgress {
  /// Takes the next `count` bytes of this body and frames them for `delivery` in place.
  ///
  /// The memory has at least 18 writable bytes before `bytes`, and 64 behind `count`: chunk headers and ends go there.
  mutating func take(
    _ bytes: UnsafeMutablePointer<UInt8>, _ count: Int, for delivery: BodyFraming
  ) -> BodyPiece {
    switch framing {
    case .length:
      let data = Int(min(Int64(count), remaining))
      remaining -= Int64(data)
      received += Int64(data)
      return BodyPiece(bytes: bytes, count: data, used: data, outcome: remaining == 0 ? .ended : .more)
    case .chunked:
      let progress = decoder.compact(bytes, count)
      received += Int64(progress.data)
      var piece = BodyProgress.frame(bytes, progress.data, for: delivery)
      piece.used = progress.consumed
      piece.outcome =
        switch progress.state {
        case .more: .more
        case .trailers: .trailers
        case .bad: .bad
        }
      return piece
    case .untilClose:
      received += Int64(count)
      var piece = BodyProgress.frame(bytes, count, for: delivery)
      piece.used = count
      return piece
    case .none:
      return BodyPiece(bytes: bytes, count: 0, used: 0, outcome: .ended)
    }
  }

  /// Makes one chunk of `count` bytes of data, or leaves them as they are.
  private static func frame(
    _ bytes: UnsafeMutablePointer<UInt8>, _ count: Int, for delivery: BodyFraming
  ) -> BodyPiece {
    guard delivery == .chunked, count > 0 else { return BodyPiece(bytes: bytes, count: count, used: 0, outcome: .more) }
    let digits = (UInt.bitWidth - UInt(count).leadingZeroBitCount + 3) / 4
    let start = bytes - digits - 2
    _ = ChunkFraming.writeHeader(size: count, into: start)
    // A chunk that ended within these bytes left the room of its framing; otherwise the padding follows.
    bytes[count] = UInt8(ascii: "\r")
    bytes[count + 1] = UInt8(ascii: "\n")
    return BodyPiece(bytes: start, count: digits + 2 + count + 2, used: 0, outcome: .more)
  }
}
