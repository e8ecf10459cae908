import Primitives
import Testing

struct IPAddressTextTests {
  @Test(arguments: [
    ("0.0.0.0", "0.0.0.0"), ("127.0.0.1", "127.0.0.1"), ("255.255.255.255", "255.255.255.255"),
    ("::", "::"), ("::1", "::1"), ("1::", "1::"), ("2001:DB8::A", "2001:db8::a"),
    ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"), ("1:0:0:0:2:0:0:0", "1::2:0:0:0"), ("0:0:1:0:0:0:0:1", "0:0:1::1"),
    ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"), ("1:0:3:4:5:6:7:8", "1:0:3:4:5:6:7:8"), ("0001:00ab::", "1:ab::"),
    ("::1:2:3:4:5:6:7", "0:1:2:3:4:5:6:7"), ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"),
    ("1::3:4:5:6:7:8", "1:0:3:4:5:6:7:8"),
    ("::ffff:10.1.2.3", "10.1.2.3"), ("::1.2.3.4", "::102:304"), ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"),
    ("1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"), ("fe80::1:2:3", "fe80::1:2:3"),
    ("1:2:3::5:6:7:8", "1:2:3:0:5:6:7:8"),
    ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
  ])
  func readsAndWrites(text: String, canonical: String) throws {
    let address = try #require(IPAddress(text))
    #expect(address.description == canonical)
    #expect(IPAddress(canonical) == address)
  }

  @Test(arguments: [
    "", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.04", "1.2.3.00", "1..3.4", "1.2.3.", ".1.2.3",
    "1.2.3.4 ",
    " 1.2.3.4", "1.2.3.0x4", "0001.2.3.4", "+1.2.3.4", "1.2.3.4/8", ":", ":::", ":1", "1:", "1:2", "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9", "1::2::3", "::1::", "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8", "12345::", "g::",
    "1:2:3:4:5:6:7:",
    "[::1]", "::1%eth0", "::1.2.3", "1.2.3.4::", "::1.2.3.4:5", "1:2:3:4:5:6:7:1.2.3.4", "::01.2.3.4", "1:::2",
    "1:2:3:4::5:6:7:8", ":1:2:3:4:5:6:7:8", "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.2555",
  ])
  func refuses(text: String) {
    #expect(IPAddress(text) == nil)
  }

  @Test func roundTripsWithZeroRuns() {
    var random = SeededRandom(seed: 1)
    for _ in 0..<5000 {
      // Every group is zero in one of two cases, so that runs of all lengths come up.
      var words: [UInt64] = [0, 0]
      for group in 0..<8 where random.below(2) == 0 {
        words[group / 4] |= UInt64(random.below(1 << (4 * (1 + random.below(4))))) << UInt64(group % 4 * 16)
      }
      let address = IPAddress(high: words[0], low: words[1])
      #expect(IPAddress(address.description) == address, "\(address)")
    }
  }

  @Test func endpoints() throws {
    #expect(Endpoint.tcp(IPAddress(v4: 0x7F00_0001), port: 80).description == "127.0.0.1:80")
    #expect(Endpoint.tcp(try #require(IPAddress("::1")), port: 8080).description == "[::1]:8080")
    #expect(Endpoint.anyAddress(port: 1).description == "*:1")
    #expect(Endpoint.unix("/run/x").description == "unix:/run/x")
  }
}
