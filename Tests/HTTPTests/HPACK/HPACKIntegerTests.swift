import HTTP
import Testing

/// Integers, with the vectors of RFC 7541 appendix C.1.
struct HPACKIntegerTests {
  private func read(_ bytes: [UInt8], _ prefix: UInt8) -> (value: Int, used: Int) {
    bytes.withUnsafeBufferPointer { buffer in
      var at = buffer.baseAddress!
      let value = HPACKInteger.read(&at, buffer.baseAddress! + buffer.count, prefix: prefix)
      return (value, at - buffer.baseAddress!)
    }
  }

  private func write(_ value: Int, _ prefix: UInt8, _ flags: UInt8 = 0) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: 16) { buffer, count in
      count = HPACKInteger.write(value, prefix: prefix, flags: flags, to: buffer.baseAddress!) - buffer.baseAddress!
    }
  }

  @Test(arguments: [(10, 5, "0a"), (1337, 5, "1f9a0a"), (42, 8, "2a"), (0, 5, "00"), (30, 5, "1e"), (31, 5, "1f00")])
  func vectors(value: Int, prefix: UInt8, bytes: String) {
    #expect(write(value, prefix) == hex(bytes))
    #expect(read(hex(bytes), prefix).value == value)
  }

  @Test func bitsAboveThePrefixAreNoPartOfIt() {
    #expect(read(hex("ea"), 5).value == 10)
    #expect(write(10, 5, 0xE0) == hex("ea"))
  }

  @Test(arguments: 1...8) func roundTrips(prefix: UInt8) {
    for value in [0, 1, 2, 126, 127, 128, 254, 255, 256, 16_383, 16_384, 1 << 21, 1 << 28, 0xFFFF_FFFF] {
      let bytes = write(value, prefix)
      #expect(bytes.count <= HPACKInteger.maximumCount)
      #expect(read(bytes, prefix) == (value, bytes.count))
      for count in 0..<bytes.count { #expect(read(Array(bytes[..<count]) + [], prefix).value == -1 || count == 0) }
    }
  }

  @Test(arguments: ["1fe1ffffff0f", "1fffffffffff00", "1f80808080808000", "1fffffffff7f", "1f8080808080"])
  func tooLarge(bytes: String) { #expect(read(hex(bytes), 5).value == -1) }

  @Test func theLargest() { #expect(read(hex("1fe0ffffff0f"), 5).value == 0xFFFF_FFFF) }
}
