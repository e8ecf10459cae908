import Platform

/// A token: `ght_`, the grant's id, and a secret of 32 random bytes, both in hex.
struct GrantToken {
  private static let prefix = "ght_"

  let text: String
  let id: String

  /// A new one.
  init() {
    func hex(_ count: Int) -> String {
      Machine.randomBytes(count).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
    id = hex(6)
    text = GrantToken.prefix + id + "_" + hex(32)
  }

  /// One that was shown; `nil` when it is none.
  init?(_ text: String) {
    guard text.utf8.count <= 128, text.hasPrefix(GrantToken.prefix) else { return nil }
    let parts = text.dropFirst(GrantToken.prefix.count).split(separator: "_", omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[0].isEmpty else { return nil }
    self.text = text
    id = String(parts[0])
  }

  /// What is kept of it.
  var digest: [UInt8] { SHA256Digest.of(Array(text.utf8)) }
}
