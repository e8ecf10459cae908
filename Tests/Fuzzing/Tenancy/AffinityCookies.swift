import Tenancy

/// Affinity cookies: none is taken that was not made here.
enum AffinityCookies {
  private static let key = AffinityKey(bytes: Array(1...16))
  private static let tenant = Array("acme".utf8)

  static func run(_ bytes: [UInt8]) throws {
    try require(read(bytes) == .forged, "a forged cookie is taken")
    // The first bytes choose a cookie, and what is changed in it.
    guard bytes.count >= 4 else { return }
    let (backend, epoch, expiry) = (UInt64(bytes[0]), UInt64(bytes[1] & 1), Int64(bytes[1] >> 1))
    let good = write(backend, epoch, expiry)
    let outcome: AffinityReading =
      epoch != 0 ? .stale : expiry <= 50 ? .expired : .good(backend: backend, expiry: expiry)
    try requireEqual(read(good), outcome, "a cookie of our own")
    try requireEqual(read(good, tenant: Array("other".utf8)), .forged, "another tenant's cookie")
    var changed = good
    changed[Int(bytes[2]) % good.count] = bytes[3]
    if changed != good { try require(read(changed) == .forged, "a changed cookie is taken") }
    try require(read(good.dropLast()) == .forged && read(good + [65]) == .forged, "a cookie of another length is taken")
  }

  private static func write(_ backend: UInt64, _ epoch: UInt64, _ expiry: Int64) -> [UInt8] {
    let text = PaddedCopy([UInt8](repeating: 0, count: AffinityCookie.encodedCount))
    tenant.withUnsafeBufferPointer {
      AffinityCookie.write(
        key, tenant: $0, shard: 7, backend: backend, epoch: epoch, expiry: expiry, into: text.base)
    }
    return Array(text.prefix(text.count))
  }

  private static func read(_ text: some Collection<UInt8>, tenant: [UInt8] = tenant) -> AffinityReading {
    let copy = PaddedCopy(text)
    return tenant.withUnsafeBufferPointer {
      AffinityCookie.read(key, copy.base, copy.count, tenant: $0, shard: 7, epoch: 0, now: 50)
    }
  }
}
