/// Where what is known of a tenant begins in memory.
public struct TenantPlaces {
  /// The tenant, probably; -1 when nobody is in sight.
  public var tenant: TenantIndex
  /// Its entry, and the text of its host.
  public var entry: UnsafeRawPointer
  public var text: UnsafeRawPointer
}

extension TenantDirectory {
  /// Whom a host in lower case names, probably: the first whose hash fits, not compared.
  ///
  /// Good for having memory fetched before it is needed, and for nothing else.
  public func guess(host: UnsafePointer<UInt8>, _ count: Int) -> TenantPlaces {
    let number = hostNames.guess(ByteHash.hash(host, count))
    guard number >= 0 else { return TenantPlaces(tenant: -1, entry: entries.base, text: text.base) }
    let host = hosts.base[Int(number)]
    return TenantPlaces(
      tenant: host.tenant, entry: entries.base + Int(host.tenant), text: text.base + Int(host.start))
  }
}
