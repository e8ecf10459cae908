import HTTP
import Primitives
import Testing

struct RequestTimeoutTests {
  private func read(
    _ text: String, by reader: (UnsafePointer<UInt8>, ByteRange) -> Int64?
  ) -> Int64? {
    let bytes = Array("xx\(text)9S".utf8)
    return bytes.withUnsafeBufferPointer { reader($0.baseAddress!, ByteRange(2, Int32(2 + text.utf8.count))) }
  }

  private func written(_ span: Int64, by write: (Int64, inout ByteWriter) -> Void) -> String {
    var bytes = [UInt8](repeating: 0, count: 32)
    let count = bytes.withUnsafeMutableBufferPointer {
      var writer = ByteWriter($0.baseAddress!, capacity: 32)
      write(span, &writer)
      return writer.count
    }
    return String(decoding: bytes[..<count], as: UTF8.self)
  }

  private static let longest = RequestTimeout.longest
  private static let calls: [(String, Int64)] = [
    ("1H", 3_600_000_000_000), ("2M", 120_000_000_000), ("3S", 3_000_000_000), ("45m", 45_000_000), ("6u", 6_000),
    ("7n", 7), ("0m", 0), ("00000001S", 1_000_000_000), ("99999999S", longest), ("99999999H", longest),
  ]
  private static let durations: [(String, Int64)] = [
    ("250ms", 250_000_000), ("5s", 5_000_000_000), ("5", 5_000_000_000), ("2m", 120_000_000_000),
    ("1h", 3_600_000_000_000), ("0", 0), ("999999999h", longest), ("999999999", longest),
  ]

  @Test(arguments: calls) func grpc(text: String, span: Int64) {
    #expect(read(text, by: RequestTimeout.grpc) == span)
  }

  @Test(arguments: ["", "S", "1", "123456789S", "1s", "1h", "-1S", "+1S", "1.5S", " 1S", "1 S", "1SS", "0x1S", "1٣S"])
  func notGRPC(text: String) {
    #expect(read(text, by: RequestTimeout.grpc) == nil)
  }

  @Test(arguments: durations) func duration(text: String, span: Int64) {
    #expect(read(text, by: RequestTimeout.duration) == span)
  }

  @Test(arguments: ["", "ms", "1000000000", "5S", "5 s", "1.5s", "-5s", "5sec", "5us", "0x5", "5s,6s", "1d"])
  func noDuration(text: String) {
    #expect(read(text, by: RequestTimeout.duration) == nil)
  }

  @Test func writing() {
    let grpc: [(Int64, String)] = [
      (1, "1n"), (99_999_999, "99999999n"), (100_000_000, "100000u"), (1_000_000_000, "1000000u"),
      (1_000_000_001, "1000001u"), (100_000_000_000, "100000m"), (200_000_000_000_000, "200000S"), (.max, "99999999S"),
      (0, "1n"), (-5, "1n"),
    ]
    for (span, text) in grpc {
      #expect(written(span, by: RequestTimeout.writeGRPC) == text)
      #expect(text.utf8.count <= RequestTimeout.grpcCount)
    }
    #expect(written(.second, by: RequestTimeout.writeMilliseconds) == "1000ms")
    #expect(written(1, by: RequestTimeout.writeMilliseconds) == "1ms")
    let longest = written(.max, by: RequestTimeout.writeMilliseconds)
    #expect(longest == "99999999000ms" && longest.utf8.count == RequestTimeout.millisecondsCount)
  }
}
