/// A keyed hash for short messages (SipHash-2-4, Aumasson and Bernstein 2012): who has not the key can't make its values.
public struct SipHash: Sendable, BitwiseCopyable {
  private let key0: UInt64
  private let key1: UInt64

  /// The hash with a key of 128 bits.
  public init(key0: UInt64, key1: UInt64) {
    self.key0 = key0
    self.key1 = key1
  }

  /// The 64-bit hash of `count` bytes.
  public func hash64(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> UInt64 {
    var state = State(key0, key1, isLong: false)
    state.absorb(bytes, count)
    state.v2 ^= 0xFF
    state.fourRounds()
    return state.v0 ^ state.v1 ^ state.v2 ^ state.v3
  }

  /// The 128-bit hash of `count` bytes: the first eight bytes, then the last, as little-endian numbers.
  public func hash128(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> (UInt64, UInt64) {
    var state = State(key0, key1, isLong: true)
    state.absorb(bytes, count)
    state.v2 ^= 0xEE
    state.fourRounds()
    let first = state.v0 ^ state.v1 ^ state.v2 ^ state.v3
    state.v1 ^= 0xDD
    state.fourRounds()
    return (first, state.v0 ^ state.v1 ^ state.v2 ^ state.v3)
  }

  private struct State {
    var v0, v1, v2, v3: UInt64

    init(_ key0: UInt64, _ key1: UInt64, isLong: Bool) {
      v0 = key0 ^ 0x736F_6D65_7073_6575
      v1 = key1 ^ 0x646F_7261_6E64_6F6D ^ (isLong ? 0xEE : 0)
      v2 = key0 ^ 0x6C79_6765_6E65_7261
      v3 = key1 ^ 0x7465_6462_7974_6573
    }

    @inline(__always)
    mutating func absorb(_ bytes: UnsafePointer<UInt8>, _ count: Int) {
      let raw = UnsafeRawPointer(bytes)
      var place = 0
      while place + 8 <= count {
        take(UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: place, as: UInt64.self)))
        place += 8
      }
      var last = UInt64(truncatingIfNeeded: count) << 56
      var shift: UInt64 = 0
      while place < count {
        last |= UInt64(bytes[place]) << shift
        place += 1
        shift += 8
      }
      take(last)
    }

    @inline(__always)
    private mutating func take(_ word: UInt64) {
      v3 ^= word
      twoRounds()
      v0 ^= word
    }

    @inline(__always)
    mutating func twoRounds() {
      round()
      round()
    }

    @inline(__always)
    mutating func fourRounds() {
      twoRounds()
      twoRounds()
    }

    // Shifts are masked (`&<<`): a checked shift by a constant is not always folded.
    @inline(__always)
    private mutating func round() {
      v0 = v0 &+ v1
      v1 = (v1 &<< 13 | v1 &>> 51) ^ v0
      v0 = v0 &<< 32 | v0 &>> 32
      v2 = v2 &+ v3
      v3 = (v3 &<< 16 | v3 &>> 48) ^ v2
      v0 = v0 &+ v3
      v3 = (v3 &<< 21 | v3 &>> 43) ^ v0
      v2 = v2 &+ v1
      v1 = (v1 &<< 17 | v1 &>> 47) ^ v2
      v2 = v2 &<< 32 | v2 &>> 32
    }
  }
}
