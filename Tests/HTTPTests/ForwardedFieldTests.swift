import HTTP
import Primitives
import Testing

struct ForwardedFieldTests {
  private func count(_ text: String) -> Int? {
    let bytes = PaddedBytes(text)
    return ForwardedField.count(bytes.base, ByteRange(0, Int32(bytes.count)))
  }

  @Test(arguments: [
    ("", 0), (",", 0), ("for=192.0.2.60;proto=http;by=203.0.113.43", 1), ("For=\"[2001:db8:cafe::17]:4711\"", 1),
    ("for=192.0.2.43, for=198.51.100.17", 2), ("for=_gazonk,for=unknown , ,for=\"_a:_b\"", 3),
    ("for=\"192.0.2.1:80\";ext=\"a,b;c=\\\"\"", 1), ("host=\"a:80\"; ", 1), (";", 1), ("for=\"[::ffff:192.0.2.1]\"", 1),
  ]) func wellFormed(text: String, elements: Int) {
    #expect(count(text) == elements)
  }

  @Test(arguments: [
    "for", "for=", "=a", "for = a", "for=1.2.3.4; proto=http", "for=1.2.3.4 ;proto=http", "for=nobody",
    "for=1.2.3.4:80",
    "for=\"1.2.3.4", "for=\"1.2.3.4\\", "for=\"1.2.3.4:\"", "for=\"1.2.3.4:123456\"", "for=\"2001:db8::1\"",
    "for=\"[192.0.2.1]\"", "for=\"[::1\"", "for=_", "for=\"\"", "for=1.2.3.4;for=1.2.3.4", "by=x", "proto=a;PROTO=b",
    "a=b c=d", "a=\"b\"c", "\u{FC}=a", "for=[::1]",
  ]) func malformed(text: String) {
    #expect(count(text) == nil)
  }

  @Test func bounds() {
    #expect(count(String(repeating: "for=unknown,", count: 64)) == 64)
    #expect(count(String(repeating: "for=unknown,", count: 65)) == nil)
    #expect(count((0..<16).map { "x\($0)=y" }.joined(separator: ";")) == 1)
    #expect(count((0..<17).map { "x\($0)=y" }.joined(separator: ";")) == nil)
  }

  @Test(arguments: [
    ("192.0.2.1", "a.example", false, "for=192.0.2.1;host=a.example;proto=http"),
    ("2001:db8::1", "a.example:80", true, "for=\"[2001:db8::1]\";host=\"a.example:80\";proto=https"),
    ("", "[::1]", false, "for=unknown;host=\"[::1]\";proto=http"), ("192.0.2.1", "", true, "for=192.0.2.1;proto=https"),
  ]) func written(client: String, host: String, isSecure: Bool, text: String) {
    var bytes = [UInt8](repeating: 0, count: 256)
    let host = Array(host.utf8)
    let length = bytes.withUnsafeMutableBufferPointer { buffer in
      var writer = ByteWriter(buffer.baseAddress!, capacity: buffer.count)
      host.withUnsafeBufferPointer {
        ForwardedField.write(for: IPAddress(client), host: $0, isSecure: isSecure, to: &writer)
      }
      return writer.count
    }
    #expect(String(decoding: bytes[..<length], as: UTF8.self) == text)
    #expect(count(text) == 1)
  }
}
