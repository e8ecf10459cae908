/// Where what is known of a tenant begins in memory.
public struct TenantGuess {
  /// The tenant, probably.
  public var tenant: TenantIndex
  /// Its entry.
  public var entry: UnsafeRawPointer
  /// The name of its host.
  public var text: UnsafeRawPointer
}

extension TenantDirectory {
  /// Whom a host in lower case names, probably: the first whose hash fits, not compared; `nil` when nobody is in sight.
  ///
  /// Good for having memory fetched before it is needed, and for nothing else.
  public func guess(host: UnsafePointer<UInt8>, _ count: Int) -> TenantGuess? {
    let number = store.guess(host: host, count)
    guard number >= 0 else { return nil }
    let host = store.hosts[Int(number)].pointee
    guard host.tenant >= 0 else { return nil }
    return TenantGuess(
      tenant: host.tenant, entry: store.entries[Int(host.tenant)], text: store.text.bytes(at: host.name))
  }
}
