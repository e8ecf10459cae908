import Primitives

/// The key that signs affinity cookies: the same on all replicas.
public struct AffinityKey: Sendable, BitwiseCopyable {
  let hash: SipHash

  /// The key of 16 bytes; missing ones count as zero.
  public init(bytes: [UInt8]) {
    func word(_ start: Int) -> UInt64 {
      (0..<8).reduce(0) { $0 | UInt64(start + $1 < bytes.count ? bytes[start + $1] : 0) << UInt64(8 * $1) }
    }
    hash = SipHash(key0: word(0), key1: word(8))
  }
}

/// What an affinity cookie turned out to be.
public enum AffinityReading: Sendable, BitwiseCopyable, Equatable {
  /// Made here, for this tenant, shard and epoch; `expiry` in seconds since 1970.
  case good(backend: UInt64, expiry: Int64)
  /// Not made with this key for this shard.
  case forged
  /// Another tenant's.
  case foreign
  /// Of another epoch.
  case stale
  /// Past its time.
  case expired
}

/// A cookie that names a client's backend without saying which it is.
///
/// 45 bytes in base64url (RFC 4648, section 5): version, then little-endian the tenant's keyed hash, the backend, the
/// epoch (8 bytes each) and the expiry (4), then SipHash-128 over all that and the shard.
public enum AffinityCookie {
  private static let version: UInt8 = 1
  private static let body = 29
  private static let whole = 45
  /// Characters of a cookie.
  public static let encodedCount = 60

  /// Writes a cookie of `encodedCount` characters.
  public static func write(
    _ key: AffinityKey, tenant: UnsafeBufferPointer<UInt8>, shard: UInt64, backend: UInt64, epoch: UInt64,
    expiry: Int64, into text: UnsafeMutablePointer<UInt8>
  ) {
    withUnsafeTemporaryAllocation(byteCount: 64, alignment: 8) { memory in
      let raw = memory.baseAddress!
      raw.storeBytes(of: version, as: UInt8.self)
      raw.storeBytes(of: key.hash.hash64(tenant.baseAddress!, tenant.count), toByteOffset: 1, as: UInt64.self)
      raw.storeBytes(of: backend, toByteOffset: 9, as: UInt64.self)
      raw.storeBytes(of: epoch, toByteOffset: 17, as: UInt64.self)
      raw.storeBytes(of: UInt32(clamping: expiry), toByteOffset: 25, as: UInt32.self)
      let tag = tag(key, raw, shard)
      raw.storeBytes(of: tag.0, toByteOffset: body, as: UInt64.self)
      raw.storeBytes(of: tag.1, toByteOffset: body + 8, as: UInt64.self)
      encode(raw, into: text)
    }
  }

  /// Reads a cookie at `now`, in seconds since 1970, for a request of `tenant` on `shard` at `epoch`.
  public static func read(
    _ key: AffinityKey, _ text: UnsafePointer<UInt8>, _ count: Int, tenant: UnsafeBufferPointer<UInt8>, shard: UInt64,
    epoch: UInt64, now: Int64
  ) -> AffinityReading {
    guard count == encodedCount else { return .forged }
    return withUnsafeTemporaryAllocation(byteCount: 64, alignment: 8) { memory in
      let raw = memory.baseAddress!
      guard decode(text, into: raw), raw.load(as: UInt8.self) == version else { return .forged }
      let known = (
        raw.loadUnaligned(fromByteOffset: body, as: UInt64.self),
        raw.loadUnaligned(fromByteOffset: body + 8, as: UInt64.self)
      )
      // The shard is part of what is signed, so a cookie of another shard can't be told from a forged one by its tag
      // alone; both are void. One comparison of both halves takes the same time whatever differs.
      let tag = tag(key, raw, shard)
      guard (known.0 ^ tag.0) | (known.1 ^ tag.1) == 0 else { return .forged }
      let owner = raw.loadUnaligned(fromByteOffset: 1, as: UInt64.self)
      guard owner == key.hash.hash64(tenant.baseAddress!, tenant.count) else { return .foreign }
      guard raw.loadUnaligned(fromByteOffset: 17, as: UInt64.self) == epoch else { return .stale }
      let expiry = Int64(raw.loadUnaligned(fromByteOffset: 25, as: UInt32.self))
      guard expiry > now else { return .expired }
      return .good(backend: raw.loadUnaligned(fromByteOffset: 9, as: UInt64.self), expiry: expiry)
    }
  }

  /// The tag over what is in the cookie, and the shard, which is put where the tag will be.
  @inline(__always)
  private static func tag(_ key: AffinityKey, _ raw: UnsafeMutableRawPointer, _ shard: UInt64) -> (UInt64, UInt64) {
    raw.storeBytes(of: shard, toByteOffset: body, as: UInt64.self)
    return key.hash.hash128(raw.assumingMemoryBound(to: UInt8.self), body + 8)
  }

  private static func encode(_ raw: UnsafeMutableRawPointer, into text: UnsafeMutablePointer<UInt8>) {
    let bytes = raw.assumingMemoryBound(to: UInt8.self)
    for group in 0..<whole / 3 {
      let word = UInt32(bytes[3 * group]) << 16 | UInt32(bytes[3 * group + 1]) << 8 | UInt32(bytes[3 * group + 2])
      for digit in 0..<4 {
        text[4 * group + digit] = digitOf(UInt8(truncatingIfNeeded: word >> (18 - 6 * UInt32(digit)) & 63))
      }
    }
  }

  private static func decode(_ text: UnsafePointer<UInt8>, into raw: UnsafeMutableRawPointer) -> Bool {
    let values = DigitValues.shared.values
    var bad: UInt8 = 0
    var digits = text
    var place = raw
    for _ in 0..<whole / 3 {
      let (a, b, c, d) = (
        values[Int(digits[0])], values[Int(digits[1])], values[Int(digits[2])], values[Int(digits[3])]
      )
      bad |= a | b | c | d
      let word = UInt32(a) &<< 26 | UInt32(b) &<< 20 | UInt32(c) &<< 14 | UInt32(d) &<< 8
      // Four bytes are stored for three: the next group goes over the fourth, and there is room behind the last.
      place.storeBytes(of: word.bigEndian, as: UInt32.self)
      digits += 4
      place += 3
    }
    return bad & 0x80 == 0
  }

  @inline(__always)
  fileprivate static func digitOf(_ value: UInt8) -> UInt8 {
    switch value {
    case 0..<26: UInt8(ascii: "A") + value
    case 26..<52: UInt8(ascii: "a") + value - 26
    case 52..<62: UInt8(ascii: "0") + value - 52
    case 62: UInt8(ascii: "-")
    default: UInt8(ascii: "_")
    }
  }
}

/// What each byte is worth as a digit of base64url; 0x80 for those that are none.
private struct DigitValues: @unchecked Sendable {
  // Unchecked: written once and only read afterwards.
  static let shared = DigitValues()
  let values: UnsafePointer<UInt8>

  init() {
    let table = UnsafeMutablePointer<UInt8>.allocate(capacity: 256)
    table.initialize(repeating: 0x80, count: 256)
    for value in UInt8(0)..<64 { table[Int(AffinityCookie.digitOf(value))] = value }
    values = UnsafePointer(table)
  }
}
