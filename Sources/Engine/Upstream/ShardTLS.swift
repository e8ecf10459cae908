public import Platform
import Primitives

/// How TLS is spoken to the backends of a shard.
public struct ShardTLS: Sendable {
  /// Our side of it.
  public var client: ClientTLS
  /// What backends are asked for by, and must prove to be; `nil` is the host of each one's address.
  public var name: String?
  /// Tells these settings from others.
  public var digest: [UInt8]

  /// Settings whose whole text, files and all, has this digest.
  public init(_ client: ClientTLS, name: String?, digest: [UInt8]) {
    self.client = client
    self.name = name
    self.digest = digest
  }
}

/// How TLS is spoken to one backend.
final class BackendTLS: Sendable {
  let client: ClientTLS
  /// What it is asked for by, ended by zero.
  let name: [CChar]
  /// Whether the name is an IP address.
  let isAddress: Bool

  /// What `shard` says, for `backend`.
  init(_ shard: ShardTLS, _ backend: Backend) {
    client = shard.client
    let host = backend.name.hasPrefix("unix:") ? "" : backend.name.prefix { $0 != ":" || backend.name.hasPrefix("[") }
    var text = shard.name ?? String(host)
    if shard.name == nil, text.hasPrefix("["), let end = text.firstIndex(of: "]") {
      text = String(text[text.index(after: text.startIndex)..<end])
    }
    name = Array(text.utf8CString)
    isAddress = IPAddress(text) != nil
  }
}
