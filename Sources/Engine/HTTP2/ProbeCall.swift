import HTTP
import Primitives

/// A call of grpc.health.v1.Health/Check, as far as a health check needs it.
struct ProbeCall {
  /// Bytes of an answer that are looked at; a longer one says something else.
  private static let bound = 64
  /// The status SERVING.
  private static let serving: UInt8 = 1
  /// What came of the answer, five bytes of gRPC's first.
  private var answer: [UInt8] = []

  /// The message that asks for a service, five bytes of gRPC's first: `HealthCheckRequest { string service = 1; }`.
  static func message(_ service: String) -> [UInt8] {
    var text: [UInt8] = []
    if !service.isEmpty {
      text = [0x0A] + varint(service.utf8.count) + Array(service.utf8)
    }
    let count = UInt32(text.count)
    return [0] + (0..<4).map { UInt8(truncatingIfNeeded: count >> UInt32(24 - 8 * $0)) } + text
  }

  private static func varint(_ value: Int) -> [UInt8] {
    var (rest, bytes) = (value, [UInt8]())
    while rest > 127 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    return bytes + [UInt8(rest)]
  }

  /// Takes a piece of the answer; false when it can't become a good one. It ends with trailers, not here.
  mutating func take(_ bytes: UnsafePointer<UInt8>, _ count: Int, isLast: Bool) -> Bool? {
    guard !isLast, answer.count + count <= ProbeCall.bound else { return false }
    answer.append(contentsOf: UnsafeBufferPointer(start: bytes, count: count))
    return nil
  }

  /// Whether an answer that ends with these trailers is one of success and says SERVING.
  func end(_ trailers: borrowing HeadText) -> Bool { ProbeCall.isSuccess(trailers) && isServing }

  /// Whether one uncompressed message came that is `HealthCheckResponse { ServingStatus status = 1; }` with SERVING.
  private var isServing: Bool {
    guard answer.count >= 5, answer[0] == 0 else { return false }
    let length = answer[1...4].reduce(0) { $0 << 8 | Int($1) }
    guard length == answer.count - 5 else { return false }
    return Array(answer[5...]) == [0x08, ProbeCall.serving]
  }

  /// Whether `grpc-status` is 0.
  private static func isSuccess(_ trailers: borrowing HeadText) -> Bool {
    let lines = UnsafeBufferPointer(start: trailers.bytes, count: trailers.count)
    return lines.split(separator: UInt8(ascii: "\n")).contains { $0.elementsEqual("grpc-status: 0\r".utf8) }
  }
}
