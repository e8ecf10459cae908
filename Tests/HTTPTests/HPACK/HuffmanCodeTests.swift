import HTTP
import Primitives
import Testing

/// The Huffman code: RFC 7541 appendix B by the strings of appendix C, and what no encoder may send.
struct HuffmanCodeTests {
  private let code = HuffmanCode.shared

  private func encode(_ bytes: [UInt8]) -> [UInt8] {
    bytes.withUnsafeBufferPointer { buffer in
      [UInt8](unsafeUninitializedCapacity: 4 * bytes.count + 8) { out, count in
        guard let base = buffer.baseAddress else { return count = 0 }
        count = code.encode(base, bytes.count, to: out.baseAddress!)
        #expect(count == code.encodedCount(base, bytes.count))
      }
    }
  }

  private func decode(_ bytes: [UInt8], capacity: Int = 4096) -> (outcome: Int, text: [UInt8]) {
    var outcome = 0
    let text = [UInt8](unsafeUninitializedCapacity: 4096) { out, count in
      outcome = (bytes + [0]).withUnsafeBufferPointer {
        code.decode($0.baseAddress!, bytes.count, to: out.baseAddress!, capacity: capacity)
      }
      count = max(0, outcome)
    }
    return (outcome, text)
  }

  @Test(arguments: [
    ("www.example.com", "f1e3c2e5f23a6ba0ab90f4ff"), ("no-cache", "a8eb10649cbf"), ("custom-key", "25a849e95ba97d7f"),
    ("custom-value", "25a849e95bb8e8b4bf"), ("302", "6402"), ("private", "aec3771a4b"),
    ("Mon, 21 Oct 2013 20:13:21 GMT", "d07abe941054d444a8200595040b8166e082a62d1bff"),
    ("https://www.example.com", "9d29ad171863c78f0b97c8e9ae82ae43d3"),
    (
      "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
      "94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007"
    ),
  ])
  func vectors(text: String, bytes: String) {
    #expect(encode(Array(text.utf8)) == hex(bytes))
    #expect(decode(hex(bytes)).text == Array(text.utf8))
  }

  @Test func everySymbolAndEveryPair() {
    for first in UInt8.min...UInt8.max {
      #expect(decode(encode([first])).text == [first])
      for second in UInt8.min...UInt8.max where decode(encode([first, second])).text != [first, second] {
        Issue.record("\(first), \(second)")
      }
    }
  }

  @Test func randomStringsRoundTrip() {
    var random = SeededRandom(seed: 7)
    for _ in 0..<500 {
      let bytes = (0..<random.below(60)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
      #expect(decode(encode(bytes)).text == bytes)
    }
  }

  /// Padding that is no prefix of EOS, padding of a whole byte, EOS itself, and symbols cut off.
  @Test(arguments: [
    "00", "1e", "18", "f1e3c2e5f23a6ba0ab90f4", "ffffffff", "ff", "ffff", "fffffffc", "1fff", "fffffff8",
  ])
  func malformed(bytes: String) { #expect(decode(hex(bytes)).outcome == -1) }

  @Test func exactlyTheRoom() {
    let bytes = encode(Array("www.example.com".utf8))
    #expect(decode(bytes, capacity: 15).outcome == 15)
    #expect(decode(bytes, capacity: 14).outcome == -2)
    #expect(decode([], capacity: 0).outcome == 0)
  }
}
