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
  /// Not made with this key for this tenant and shard.
  case forged
  /// Of another epoch.
  case stale
  /// Past its time.
  case expired
}

/// A cookie that names a client's backend without saying which it is.
///
/// 30 bytes in base64url (RFC 4648, section 5): version (2), then little-endian the expiry (4), the backend and the epoch
/// (8 each), and SipHash-64 over all that, the shard and the tenant's name. Who can't ask a server whether a guess was
/// right, but by a request for each, has no use for a shorter way than 2^64 of them.
public enum AffinityCookie {
  private static let version: UInt16 = 2
  private static let expiryPlace = 2
  private static let backendPlace = 6
  private static let epochPlace = 14
  private static let body = 22
  private static let whole = 30
  /// The longest name of a tenant that is signed in whole.
  private static let longestTenant = 64
  /// Characters of a cookie.
  public static let encodedCount = 40

  /// Writes a cookie of `encodedCount` characters.
  public static func write(
    _ key: AffinityKey, tenant: UnsafeBufferPointer<UInt8>, shard: UInt64, backend: UInt64, epoch: UInt64,
    expiry: Int64, into text: UnsafeMutablePointer<UInt8>
  ) {
    withUnsafeTemporaryAllocation(byteCount: body + 8 + longestTenant, alignment: 8) { memory in
      let raw = memory.baseAddress!
      raw.storeBytes(of: version.littleEndian, as: UInt16.self)
      raw.storeBytes(of: UInt32(clamping: expiry).littleEndian, toByteOffset: expiryPlace, as: UInt32.self)
      raw.storeBytes(of: backend.littleEndian, toByteOffset: backendPlace, as: UInt64.self)
      raw.storeBytes(of: epoch.littleEndian, toByteOffset: epochPlace, as: UInt64.self)
      let tag = tag(key, raw, shard, tenant)
      raw.storeBytes(of: tag.littleEndian, toByteOffset: body, as: UInt64.self)
      encode(raw, into: text)
    }
  }

  /// Reads a cookie at `now`, in seconds since 1970, for a request of `tenant` on `shard` at `epoch`.
  public static func read(
    _ key: AffinityKey, _ text: UnsafePointer<UInt8>, _ count: Int, tenant: UnsafeBufferPointer<UInt8>, shard: UInt64,
    epoch: UInt64, now: Int64
  ) -> AffinityReading {
    guard count == encodedCount else { return .forged }
    return withUnsafeTemporaryAllocation(byteCount: body + 8 + longestTenant, alignment: 8) { memory in
      let raw = memory.baseAddress!
      guard decode(text, into: raw), UInt16(littleEndian: raw.load(as: UInt16.self)) == version else { return .forged }
      let known = number(raw, body)
      // Tenant and shard are part of what is signed, so a cookie of others can't be told from a forged one; both are
      // void. One comparison of whole words takes the same time whatever differs.
      guard known == tag(key, raw, shard, tenant) else { return .forged }
      guard number(raw, epochPlace) == epoch else { return .stale }
      let expiry = Int64(UInt32(littleEndian: raw.loadUnaligned(fromByteOffset: expiryPlace, as: UInt32.self)))
      guard expiry > now else { return .expired }
      return .good(backend: number(raw, backendPlace), expiry: expiry)
    }
  }

  @inline(__always)
  private static func number(_ raw: UnsafeMutableRawPointer, _ place: Int) -> UInt64 {
    UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: place, as: UInt64.self))
  }

  /// The tag over what is in the cookie, and shard and tenant, which are put where the tag is and behind it.
  @inline(__always)
  private static func tag(
    _ key: AffinityKey, _ raw: UnsafeMutableRawPointer, _ shard: UInt64, _ tenant: UnsafeBufferPointer<UInt8>
  ) -> UInt64 {
    let count = min(tenant.count, longestTenant)
    raw.storeBytes(of: shard.littleEndian, toByteOffset: body, as: UInt64.self)
    if let name = tenant.baseAddress { (raw + whole).copyMemory(from: name, byteCount: count) }
    return key.hash.hash64(raw.assumingMemoryBound(to: UInt8.self), whole + count)
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
