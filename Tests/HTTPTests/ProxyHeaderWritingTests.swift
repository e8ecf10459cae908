import Primitives
import Testing

@testable import HTTP

struct ProxyHeaderWritingTests {
  private let v4 = (client: IPAddress("192.0.2.7")!, server: IPAddress("198.51.100.1")!)
  private let v6 = (client: IPAddress("2001:db8::7")!, server: IPAddress("2001:db8::1")!)

  private func written(
    _ form: ProxyHeader.Form, _ addresses: (client: IPAddress, server: IPAddress)?, tenant: String = "",
    authority: String = "", capacity: Int = ProxyHeader.longest
  ) -> [UInt8] {
    var (tenant, authority) = (Array(tenant.utf8), Array(authority.utf8))
    return [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
      var writer = ByteWriter(buffer.baseAddress!, capacity: capacity)
      tenant.withUnsafeMutableBufferPointer { tenant in
        authority.withUnsafeMutableBufferPointer { authority in
          var claim = ProxyHeader.Claim()
          claim.addresses = addresses.map { ($0.client, 4711, $0.server, 443) }
          claim.tenant = UnsafeBufferPointer(tenant)
          claim.authority = UnsafeBufferPointer(authority)
          ProxyHeader.write(form, claim, to: &writer)
        }
      }
      #expect(!writer.hasOverflowed)
      count = writer.count
    }
  }

  @Test func whatIsWrittenIsRead() {
    let mixed = (client: v6.client, server: v4.server)
    for form in [ProxyHeader.Form.text, .binary, .checked] {
      for addresses in [v4, v6, mixed] {
        let bytes = written(form, addresses, tenant: "acme", authority: "a.example")
        let header = bytes.withUnsafeBufferPointer { ProxyHeader.parse($0.baseAddress!, $0.count) }
        #expect(header == .complete(length: bytes.count, addresses.client, port: 4711))
      }
      let bytes = written(form, nil, tenant: "acme")
      let header = bytes.withUnsafeBufferPointer { ProxyHeader.parse($0.baseAddress!, $0.count) }
      #expect(header == .complete(length: bytes.count, nil, port: 0))
    }
  }

  @Test func texts() {
    #expect(String(decoding: written(.text, v4), as: UTF8.self) == "PROXY TCP4 192.0.2.7 198.51.100.1 4711 443\r\n")
    #expect(String(decoding: written(.text, v6), as: UTF8.self) == "PROXY TCP6 2001:db8::7 2001:db8::1 4711 443\r\n")
    #expect(String(decoding: written(.text, nil), as: UTF8.self) == "PROXY UNKNOWN\r\n")
  }

  @Test func theLongestFits() {
    let long = String(repeating: "x", count: 255)
    #expect(written(.checked, v6, tenant: long, authority: long).count == ProxyHeader.longest)
  }

  @Test func checksum() {
    let sample = Array("123456789".utf8)
    #expect(sample.withUnsafeBufferPointer { CRC32C.of($0.baseAddress!, $0.count) } == 0xE306_9283)
    var bytes = written(.checked, v4, tenant: "acme")
    let place = bytes.count - 4
    let sum = bytes[place...].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    for index in place..<bytes.count { bytes[index] = 0 }
    #expect(bytes.withUnsafeBufferPointer { CRC32C.of($0.baseAddress!, $0.count) } == sum)
  }

  @Test func speakingForNobody() {
    var bytes = [UInt8](repeating: 0, count: ProxyHeader.longest)
    let count = bytes.withUnsafeMutableBufferPointer { buffer in
      var writer = ByteWriter(buffer.baseAddress!, capacity: buffer.count)
      ProxyHeader.write(.binary, nil, to: &writer)
      return writer.count
    }
    #expect(Array(bytes[..<count]) == Array("\r\n\r\n\0\r\nQUIT\n".utf8) + [0x20, 0, 0, 0])
  }
}
