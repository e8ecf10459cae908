import Testing

@testable import Engine

struct WebSocketKeyTests {
  /// The sample of RFC 6455, section 1.3.
  @Test func accept() {
    let key = Array("dGhlIHNhbXBsZSBub25jZQ==".utf8)
    var answer = [UInt8](repeating: 0, count: WebSocketKey.acceptCount)
    key.withUnsafeBufferPointer { key in
      answer.withUnsafeMutableBufferPointer { WebSocketKey.writeAccept(key.baseAddress!, to: $0.baseAddress!) }
    }
    #expect(String(decoding: answer, as: UTF8.self) == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
  }

  @Test(arguments: [
    ("GET / HTTP/1.1\r\nHost: a\r\nSec-WebSocket-Key: \tdGhlIHNhbXBsZSBub25jZQ== \r\nx: y\r\n\r\n", true),
    ("GET / HTTP/1.1\r\nsec-websocket-key:dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", true),
    ("GET / HTTP/1.1\r\nsec-websocket-key: short\r\n\r\n", false), ("GET / HTTP/1.1\r\n\r\n", false), ("", false),
    ("GET / HTTP/1.1\r\nx: sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", false),
  ]) func find(head: String, isThere: Bool) {
    let bytes = Array(head.utf8) + [0]
    bytes.withUnsafeBufferPointer { buffer in
      let key = WebSocketKey.find(buffer.baseAddress!, buffer.count - 1)
      #expect((key != nil) == isThere)
      if let key { #expect(UnsafeBufferPointer(start: key, count: 24).elementsEqual("dGhlIHNhbXBsZSBub25jZQ==".utf8)) }
    }
  }
}
