import Primitives
import Testing

struct ByteWriterTests {
  private func written(capacity: Int = 100, _ body: (inout ByteWriter) -> Void) -> (text: String, overflowed: Bool) {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: capacity + 8) { memory in
      guard let base = memory.baseAddress else { return ("", true) }
      memory.initialize(repeating: 0xAA)
      var writer = ByteWriter(base, capacity: capacity)
      body(&writer)
      #expect((capacity..<capacity + 8).allSatisfy { memory[$0] == 0xAA })
      return (String(decoding: memory[0..<writer.count], as: UTF8.self), writer.hasOverflowed)
    }
  }

  @Test(
    arguments: [
      0, 1, 9, 10, 99, 100, 1234, 999_999_999_999_999_999, 1_000_000_000_000_000_000, .max, -1, -10, .min,
    ] as [Int64])
  func decimals(number: Int64) {
    #expect(written { $0.append(decimal: number) }.text == String(number))
  }

  @Test(arguments: [0, 1, 9, 10, 15, 16, 255, 256, 0xDEAD_BEEF, 1 << 60, .max] as [UInt64])
  func hexadecimals(number: UInt64) {
    let text = String(number, radix: 16)
    #expect(written { $0.append(hex: number) }.text == text)
    #expect(written { $0.append(hex16: number) }.text == String(repeating: "0", count: 16 - text.count) + text)
  }

  @Test func textInOrder() {
    let (text, overflowed) = written {
      $0.append("a: ")
      $0.append([98, 99], 2)
      $0.append(byte: 100)
      $0.append(IPAddress(v4: 0x0A00_0001))
      $0.append("")
    }
    #expect(text == "a: bcd10.0.0.1")
    #expect(!overflowed)
  }

  @Test func staysWithinCapacity() {
    for capacity in 0..<4 {
      let (text, overflowed) = written(capacity: capacity) { $0.append("abcd") }
      #expect(text == "" && overflowed)
    }
    let exact = written(capacity: 4) { $0.append("abcd") }
    #expect(exact.text == "abcd" && !exact.overflowed)
    let later = written(capacity: 5) {
      $0.append("abcd")
      $0.append(decimal: 12)
      $0.append(byte: 0x65)
      $0.append(hex16: 1)
    }
    #expect(later.text == "abcde" && later.overflowed)
  }
}
