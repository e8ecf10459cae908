import Primitives

/// How long a client waits for an answer, as fields of its request say it. Spans are nanoseconds.
public enum RequestTimeout {
  /// The longest span: what eight digits of seconds say. Longer ones are taken for it.
  public static let longest: Int64 = 99_999_999 * .second
  /// Bytes of a `grpc-timeout` at most.
  public static let grpcCount = 9
  /// Bytes of a span in milliseconds at most, its unit included.
  public static let millisecondsCount = 13

  /// Reads a `grpc-timeout`: one to eight digits and a unit (gRPC over HTTP/2, "Timeout"); `nil` when it is none.
  public static func grpc(_ p: UnsafePointer<UInt8>, _ value: ByteRange) -> Int64? {
    let (p, count) = (p + Int(value.start), value.count)
    guard (2...grpcCount).contains(count), let number = number(p, count - 1) else { return nil }
    switch p[count - 1] {
    case UInt8(ascii: "H"): return span(number, 3600 * .second)
    case UInt8(ascii: "M"): return span(number, 60 * .second)
    case UInt8(ascii: "S"): return span(number, .second)
    case UInt8(ascii: "m"): return span(number, .millisecond)
    case UInt8(ascii: "u"): return span(number, 1_000)
    case UInt8(ascii: "n"): return number
    default: return nil
    }
  }

  /// Reads a duration: one to nine digits and `ms`, `s`, `m` or `h`, or without a unit, then of seconds; `nil` when it is
  /// none.
  public static func duration(_ p: UnsafePointer<UInt8>, _ value: ByteRange) -> Int64? {
    let (p, count) = (p + Int(value.start), value.count)
    var digits = 0
    while digits < count, p[digits] &- 0x30 < 10 { digits += 1 }
    guard (1...9).contains(digits), let number = number(p, digits) else { return nil }
    let unit = p + digits
    switch count - digits {
    case 0: return span(number, .second)
    case 1 where unit[0] == UInt8(ascii: "s"): return span(number, .second)
    case 1 where unit[0] == UInt8(ascii: "m"): return span(number, 60 * .second)
    case 1 where unit[0] == UInt8(ascii: "h"): return span(number, 3600 * .second)
    case 2 where unit[0] == UInt8(ascii: "m") && unit[1] == UInt8(ascii: "s"): return span(number, .millisecond)
    default: return nil
    }
  }

  /// Writes a span as a `grpc-timeout`, rounded up to the finest unit that eight digits hold.
  public static func writeGRPC(_ span: Int64, _ writer: inout ByteWriter) {
    let span = min(max(span, 1), longest)
    let units: [(size: Int64, name: StaticString)] = [(1, "n"), (1_000, "u"), (.millisecond, "m"), (.second, "S")]
    for unit in units where (span - 1) / unit.size + 1 <= 99_999_999 {
      writer.append(decimal: (span - 1) / unit.size + 1)
      return writer.append(unit.name)
    }
  }

  /// Writes a span in milliseconds, rounded up.
  public static func writeMilliseconds(_ span: Int64, _ writer: inout ByteWriter) {
    writer.append(decimal: (min(max(span, 1), longest) - 1) / .millisecond + 1)
    writer.append("ms")
  }

  private static func number(_ p: UnsafePointer<UInt8>, _ count: Int) -> Int64? {
    var number: Int64 = 0
    for index in 0..<count {
      guard p[index] &- 0x30 < 10 else { return nil }
      number = number &* 10 &+ Int64(p[index] &- 0x30)
    }
    return number
  }

  private static func span(_ number: Int64, _ unit: Int64) -> Int64 {
    let (span, isTooLong) = number.multipliedReportingOverflow(by: unit)
    return isTooLong ? longest : min(span, longest)
  }
}
