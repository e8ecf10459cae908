import Primitives
import Testing

@testable import Telemetry

@Suite struct LineWriterTests {
  private func text(_ body: (inout LineWriter) -> Void) -> String {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 256) { memory in
      var line = LineWriter(memory.baseAddress!)
      body(&line)
      return String(decoding: memory[..<line.count], as: UTF8.self)
    }
  }

  @Test(arguments: [0, 1, 9, 10, 11, 99, 100, 12_345, 9_999_999_999, UInt64.max - 1, UInt64.max])
  func numbers(value: UInt64) { #expect(text { $0.append(decimal: value) } == "\(value)") }

  @Test func powersOfTenAndTheirNeighbours() {
    var power: UInt64 = 1
    while power < 1_000_000_000_000_000_000 {
      power *= 10
      for value in [power - 1, power, power + 1] { #expect(text { $0.append(decimal: value) } == "\(value)") }
    }
  }

  @Test(
    arguments: [
      (0, "0.000"), (999, "0.000"), (1_000, "0.001"), (999_999, "0.999"), (1_000_000, "1.000"),
      (3_600_000_012_000, "3600000.012"), (-5, "0.000"), (.max, "9223372036854.775"),
    ] as [(Int64, String)])
  func milliseconds(nanoseconds: Int64, expected: String) {
    #expect(text { $0.append(milliseconds: nanoseconds) } == expected)
  }

  @Test(
    arguments: [
      (0, 0x0000_FFFF_0000_0000, "0.0.0.0"), (0, 0x0000_FFFF_FFFF_FFFF, "255.255.255.255"),
      (0, 0x0000_FFFF_7F00_0001, "127.0.0.1"), (0, 0, "::"), (0, 1, "::1"), (0x2001_0DB8_0000_0000, 1, "2001:db8::1"),
      (0x2001_0DB8_0000_0000, 0x0001_0000_0000_0001, "2001:db8::1:0:0:1"),
      (0x2001_0000_0000_0001, 0x0000_0000_0000_0001, "2001:0:0:1::1"),
      (0x2001_0DB8_0000_0001, 0x0001_0001_0001_0001, "2001:db8:0:1:1:1:1:1"),
      (0xFE80_0000_0000_0000, 0, "fe80::"), (0x0001_0002_0003_0004, 0x0005_0006_0007_0008, "1:2:3:4:5:6:7:8"),
      (0, 0x0005_0006_0007_0008, "::5:6:7:8"), (0xABCD_0EF0_0012_0003, 0x0000_0000_0000_0000, "abcd:ef0:12:3::"),
    ] as [(UInt64, UInt64, String)])
  func addresses(high: UInt64, low: UInt64, expected: String) {
    #expect(text { $0.append(IPAddress(high: high, low: low)) } == expected)
  }

  @Test func eightBytesArePlainWhenEachIs() {
    var random = SeededRandom(seed: 3)
    for round in 0..<200_000 {
      var word: UInt64 = 0
      var isPlain = true
      for place in 0..<8 {
        var byte = UInt8(0x20 + random.below(0x5F))
        if round & 7 == place { byte = UInt8(truncatingIfNeeded: random.next()) }
        word |= UInt64(byte) << UInt64(8 * place)
        isPlain = isPlain && LineWriter.isPlain(byte)
      }
      #expect(LineWriter.isPlain(word) == isPlain)
    }
  }
}
