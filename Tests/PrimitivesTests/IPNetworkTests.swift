import Primitives
import Testing

@Suite struct IPNetworkTests {
  private func address(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }

  @Test(arguments: [
    ("10.0.0.0", 104, "10.255.255.255", "11.0.0.0"),
    ("10.0.0.0", 104, "10.0.0.0", "9.255.255.255"),
    ("192.168.4.0", 118, "192.168.7.255", "192.168.8.0"),
    ("192.168.4.0", 118, "192.168.4.0", "192.168.3.255"),
    ("127.0.0.1", 128, "127.0.0.1", "127.0.0.2"),
    ("0.0.0.0", 96, "255.255.255.255", "::1"),
    ("2001:db8::", 32, "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db9::"),
    ("2001:db8::", 64, "2001:db8::ffff:ffff:ffff:ffff", "2001:db8:0:1::"),
    ("2001:db8::", 63, "2001:db8:0:1::", "2001:db8:0:2::"),
    ("2001:db8::", 65, "2001:db8::7fff:ffff:ffff:ffff", "2001:db8::8000:0:0:0"),
    ("fe80::", 10, "febf::1", "fec0::"),
    ("::1", 128, "::1", "::"),
    ("fc00::", 7, "fdff::9", "10.0.0.1"),
  ])
  func anAddressLiesInsideOrNot(base: String, bits: Int, inside: String, outside: String) throws {
    let network = try IPNetwork(address(base), bits: bits)
    #expect(try network.contains(address(inside)))
    #expect(try !network.contains(address(outside)))
  }

  @Test func noBitsAreAllAddresses() throws {
    let network = try IPNetwork(address("2001:db8::1"), bits: 0)
    #expect(try network == IPNetwork(address("::"), bits: 0))
    for text in ["::", "10.1.2.3", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"] {
      #expect(try network.contains(address(text)))
    }
  }

  @Test func bitsBehindTheNetworkAreCleared() throws {
    #expect(try IPNetwork(address("10.9.8.7"), bits: 104).base == address("10.0.0.0"))
    #expect(try IPNetwork(address("2001:db8::9"), bits: 127).base == address("2001:db8::8"))
    #expect(try IPNetwork(address("10.0.0.0"), bits: 104) != IPNetwork(address("10.0.0.0"), bits: 105))
  }

  /// Every length against the plain definition: the leading bits are the same.
  @Test func everyLengthCountsItsLeadingBits() {
    var random = SeededRandom(seed: 11)
    for bits in 0...128 {
      let base = IPAddress(high: random.next(), low: random.next())
      let network = IPNetwork(base, bits: bits)
      for bit in 0..<128 {
        let other = IPAddress(
          high: base.high ^ (bit < 64 ? 1 << UInt64(63 - bit) : 0),
          low: base.low ^ (bit >= 64 ? 1 << UInt64(127 - bit) : 0))
        #expect(network.contains(other) == (bit >= bits), "\(bits) bits, bit \(bit) differs")
      }
    }
  }
}
