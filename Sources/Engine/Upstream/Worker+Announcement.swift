import HTTP
import Primitives

extension Worker where N: ~Copyable {
  /// What a new connection for an exchange tells its backend first: whom it speaks for. Good until `nameScratch` is used
  /// again.
  @inline(never)
  mutating func announcement(_ id: Int32) -> UnsafeBufferPointer<UInt8> {
    let exchange = exchanges[id]
    guard let shard = shardEntry(exchange.pointee.shard) else { return UnsafeBufferPointer(start: nil, count: 0) }
    let client = connections[exchange.pointee.client]
    let isStream = client.pointee.flags.contains(.isStream)
    let socket = isStream ? connections[client.pointee.parent].pointee.socket : client.pointee.socket
    var claim = ProxyHeader.Claim()
    let local = network.localAddress(socket)
    if client.pointee.port != 0, local.port != 0 {
      claim.addresses = (client.pointee.address, client.pointee.port, local.address, local.port)
    }
    let tenant = exchange.pointee.tenant
    claim.tenant = view.directory._withUnsafeGuaranteedRef { $0.idBytes(of: tenant) }
    if client.pointee.flags.contains(.isSecure) { claim.authority = network.serverName(socket) }
    var writer = ByteWriter(nameScratch, capacity: ProxyHeader.longest)
    ProxyHeader.write(shard.pointee.announcement, claim, to: &writer)
    return UnsafeBufferPointer(start: nameScratch, count: writer.count)
  }

  /// What the connection of a health check tells its backend first: that it speaks for nobody.
  static func announcement(_ form: ProxyHeader.Form) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: ProxyHeader.longest) { buffer, count in
      var writer = ByteWriter(buffer.baseAddress!, capacity: ProxyHeader.longest)
      ProxyHeader.write(form, nil, to: &writer)
      count = writer.count
    }
  }
}
