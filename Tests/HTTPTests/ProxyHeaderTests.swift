import HTTP
import Primitives
import Testing

/// PROXY protocol headers of both versions.
@Suite struct ProxyHeaderTests {
  private func parse(_ bytes: [UInt8]) -> ProxyHeader {
    bytes.withUnsafeBufferPointer { ProxyHeader.parse($0.baseAddress!, $0.count) }
  }

  @Test(arguments: [
    ("PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n", "192.0.2.1", 56324),
    ("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255", 65535),
    ("PROXY TCP6 2001:db8::1 ::1 1 0\r\n", "2001:db8::1", 1),
    ("PROXY UNKNOWN\r\n", nil, 0),
    ("PROXY UNKNOWN ffff:f...f:ffff 1 what ever\r\n", nil, 0),
  ])
  func text(_ line: String, _ address: String?, _ port: UInt16) {
    let bytes = Array(line.utf8)
    let expected = ProxyHeader.complete(length: bytes.count, address.flatMap { IPAddress($0) }, port: port)
    #expect(parse(bytes) == expected)
    #expect(parse(bytes + Array("GET / HTTP/1.1\r\n".utf8)) == expected)
    for count in 1..<bytes.count { #expect(parse(Array(bytes.prefix(count))) == .incomplete) }
  }

  @Test(arguments: [
    "GET / HTTP/1.1\r\n", "PROXX", "PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\n", "PROXY \r\n", "PROXY\r\n",
    "PROXY TCP4 192.0.2.1 192.0.2.2 56324\r\n", "PROXY TCP4 192.0.2.1 192.0.2.2 56324 443 1\r\n",
    "PROXY TCP4 192.0.2.1  56324 443\r\n", "PROXY TCP4 ::1 ::1 1 1\r\n", "PROXY TCP6 192.0.2.1 192.0.2.2 1 1\r\n",
    "PROXY TCP4 192.0.2.256 192.0.2.2 1 1\r\n", "PROXY TCP4 192.0.2.1 192.0.2.2 65536 1\r\n",
    "PROXY TCP4 192.0.2.1 192.0.2.2 01 1\r\n", "PROXY TCP4 192.0.2.1 192.0.2.2 -1 1\r\n",
    "PROXY TCP5 192.0.2.1 192.0.2.2 1 1\r\n", "proxy TCP4 192.0.2.1 192.0.2.2 1 1\r\n",
  ])
  func textThatIsNone(_ line: String) { #expect(parse(Array(line.utf8)) == .bad) }

  @Test func aLineWithoutEnd() {
    let line = Array("PROXY UNKNOWN ".utf8) + [UInt8](repeating: 0x61, count: 200)
    #expect(parse(Array(line.prefix(106))) == .incomplete)
    #expect(parse(Array(line.prefix(107))) == .bad)
    #expect(parse(line + [0x0D, 0x0A]) == .bad)
  }

  private static let signature: [UInt8] = [
    0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A,
  ]

  private func binary(_ command: UInt8, _ family: UInt8, _ body: [UInt8]) -> [UInt8] {
    ProxyHeaderTests.signature + [command, family, UInt8(body.count >> 8), UInt8(body.count & 0xFF)] + body
  }

  private static let four: [UInt8] = [192, 0, 2, 1, 192, 0, 2, 2, 0xDC, 0x04, 0x01, 0xBB]
  private static let six: [UInt8] =
    [0x20, 0x01, 0x0D, 0xB8] + [UInt8](repeating: 0, count: 11) + [1]
    + [UInt8](repeating: 0, count: 15) + [1] + [0, 7, 0, 80]

  @Test func binaryThatNamesAClient() {
    let tlvs: [UInt8] = [0x02, 0, 3, 0x61, 0x62, 0x63]
    for more in [[], tlvs, [UInt8](repeating: 4, count: 3_000)] {
      let v4 = binary(0x21, 0x11, ProxyHeaderTests.four + more)
      #expect(parse(v4 + [1, 2, 3]) == .complete(length: v4.count, IPAddress("192.0.2.1"), port: 56324))
      let v6 = binary(0x21, 0x21, ProxyHeaderTests.six + more)
      #expect(parse(v6) == .complete(length: v6.count, IPAddress("2001:db8::1"), port: 7))
    }
    let whole = binary(0x21, 0x21, ProxyHeaderTests.six + tlvs)
    for count in 1..<whole.count { #expect(parse(Array(whole.prefix(count))) == .incomplete) }
  }

  @Test func binaryThatNamesNobody() {
    for bytes in [
      binary(0x20, 0x00, []), binary(0x20, 0x11, ProxyHeaderTests.four), binary(0x21, 0x00, [1, 2]),
      binary(0x21, 0x31, [UInt8](repeating: 0, count: 216)),
    ] {
      #expect(parse(bytes) == .complete(length: bytes.count, nil, port: 0))
    }
  }

  @Test func binaryThatIsNone() {
    #expect(parse([0x0D, 0x0A, 0x0D, 0x0A, 0x47]) == .bad)
    #expect(parse(binary(0x11, 0x11, ProxyHeaderTests.four)) == .bad)
    #expect(parse(binary(0x22, 0x11, ProxyHeaderTests.four)) == .bad)
    #expect(parse(binary(0x21, 0x12, ProxyHeaderTests.four)) == .bad)
    #expect(parse(binary(0x21, 0x11, Array(ProxyHeaderTests.four.dropLast()))) == .bad)
    #expect(parse(binary(0x21, 0x21, ProxyHeaderTests.four)) == .bad)
  }
}
