import HTTP
import Testing

struct HostNameTests {
  private func normalize(_ text: String) -> String? {
    let bytes = PaddedBytes(latin(text))
    return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 256) { name in
      guard let base = name.baseAddress else { return nil }
      let count = HostName.normalize(bytes.base, bytes.count, into: base)
      return count < 0 ? nil : String(decoding: name[0..<count], as: UTF8.self)
    }
  }

  static let label63 = String(repeating: "a", count: 63)

  @Test(arguments: [
    ("a", "a"), ("App.ACME.example", "app.acme.example"), ("a.", "a"), ("a.b.:80", "a.b"), ("a:1", "a"),
    ("a:65535", "a"), ("a:", "a"), ("a.:", "a"), ("[::1]:", "[::1]"),
    ("xn--bcher-kva.example", "xn--bcher-kva.example"), ("a_b-c.9", "a_b-c.9"), ("127.0.0.1:80", "127.0.0.1"),
    ("[::1]", "[::1]"), ("[2001:DB8::A]:443", "[2001:db8::a]"), ("[::ffff:1.2.3.4]", "[::ffff:1.2.3.4]"),
    (String(repeating: "a", count: 255), String(repeating: "a", count: 255)),
    (String(repeating: "a", count: 255) + ".:65535", String(repeating: "a", count: 255)),
  ])
  func normalizes(text: String, name: String) {
    #expect(normalize(text) == name)
  }

  @Test(arguments: [
    "", ".", "..", ".a", "a..", "a..b", ":80", ":", "a::", "a:0", "a:00080", "a:65536", "a:100000", "a:8o", "a:-1",
    "a:80:",
    "a b",
    " a", "a ", "u@a", "u:p@a", "a/b", "a?b", "a#b", "a%20", "a\\b", "a\0", "\u{E9}", "a,b", "a;b", "*", "*.a", "[",
    "[]", "[]:80",
    "[::1", "::1", "[::1]a", "[::1]::", "[::1]:0", "[::1].", "[1.2.3.4]", "[::g]", "[::1%25eth0]", "[v1.x]", "a[::1]",
    "a]",
    "[[::1]]", String(repeating: "a", count: 256), String(repeating: "a", count: 256) + ":80",
    String(repeating: "a", count: 300),
  ])
  func refuses(text: String) {
    #expect(normalize(text) == nil)
  }
}
