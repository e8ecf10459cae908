import Platform
import Primitives
import Tenancy

/// Writes the numbers and texts of a message.
struct HandoverWriter {
  private(set) var bytes: [UInt8] = []

  /// Adds a number, the lowest byte first.
  mutating func add<Number: FixedWidthInteger>(_ number: Number) {
    for shift in stride(from: 0, to: Number.bitWidth, by: 8) {
      bytes.append(UInt8(truncatingIfNeeded: number >> Number(shift)))
    }
  }

  /// Adds bytes with their count; what is over 65,535 of them is cut off.
  mutating func add(_ run: [UInt8]) {
    let cut = run.prefix(Int(UInt16.max))
    add(UInt16(cut.count))
    bytes += cut
  }

  /// Adds a text.
  mutating func add(_ text: String) { add(Array(text.utf8)) }

  /// Adds an address.
  mutating func add(_ endpoint: Endpoint) {
    switch endpoint {
    case .tcp(let address, let port):
      add(UInt8(0))
      add(address.high)
      add(address.low)
      add(port)
    case .anyAddress(let port):
      add(UInt8(1))
      add(port)
    case .unix(let path):
      add(UInt8(2))
      add(path)
    }
  }

  /// Adds what a bucket owes.
  mutating func add(_ spent: SpentBucket) {
    add(spent.rate.count)
    add(spent.rate.period)
    add(spent.rate.burst)
    add(spent.debt)
    add(spent.time)
  }
}

/// Reads the numbers and texts of a message; `nil` where there is no such thing.
struct HandoverReader {
  private var rest: ArraySlice<UInt8>

  init(_ bytes: [UInt8]) { rest = bytes[...] }

  /// Whether all was read.
  var isAtEnd: Bool { rest.isEmpty }

  /// A number.
  mutating func number<Number: FixedWidthInteger>(_ type: Number.Type) -> Number? {
    let count = Number.bitWidth / 8
    guard rest.count >= count else { return nil }
    var number: Number = 0
    for (place, byte) in rest.prefix(count).enumerated() {
      number |= Number(truncatingIfNeeded: byte) << Number(8 * place)
    }
    rest = rest.dropFirst(count)
    return number
  }

  /// So many bytes as they are.
  mutating func plain(_ count: Int) -> [UInt8]? {
    guard rest.count >= count else { return nil }
    defer { rest = rest.dropFirst(count) }
    return Array(rest.prefix(count))
  }

  /// Bytes with their count.
  mutating func run() -> [UInt8]? {
    guard let count = number(UInt16.self) else { return nil }
    return plain(Int(count))
  }

  /// A text.
  mutating func text() -> String? {
    guard let bytes = run() else { return nil }
    return String(validating: bytes, as: UTF8.self)
  }

  /// An address.
  mutating func endpoint() -> Endpoint? {
    switch number(UInt8.self) {
    case 0:
      guard let high = number(UInt64.self), let low = number(UInt64.self), let port = number(UInt16.self) else {
        return nil
      }
      return .tcp(IPAddress(high: high, low: low), port: port)
    case 1: return number(UInt16.self).map { .anyAddress(port: $0) }
    case 2: return text().map { .unix($0) }
    default: return nil
    }
  }

  /// What a bucket owes.
  mutating func spent() -> SpentBucket? {
    guard let count = number(Int64.self), let period = number(Int64.self), let burst = number(Int64.self),
      let debt = number(UInt64.self), let time = number(Int64.self)
    else { return nil }
    return SpentBucket(rate: RequestRate(count: count, period: period, burst: burst), debt: debt, time: time)
  }
}
