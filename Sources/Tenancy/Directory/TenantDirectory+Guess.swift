/// Where what is known of a tenant begins in memory.
public struct TenantPlaces {
  /// The tenant, probably; -1 when nobody is in sight.
  public var tenant: TenantIndex
  /// Its entry.
  public var entry: UnsafeRawPointer
  /// The text of its host.
  public var text: UnsafeRawPointer
}

extension TenantDirectory {
  /// Whom a host in lower case names, probably: the first whose hash fits, not compared.
  ///
  /// Good for having memory fetched before it is needed, and for nothing else.
  public func guess(host: UnsafePointer<UInt8>, _ count: Int) -> TenantPlaces {
    let number = store.guess(host: host, count)
    guard number >= 0 else { return TenantPlaces(tenant: -1, entry: host, text: host) }
    let host = store.hosts[Int(number)].pointee
    return TenantPlaces(
      tenant: host.tenant, entry: store.entries[Int(host.tenant)], text: store.text.bytes(at: host.name))
  }
}
