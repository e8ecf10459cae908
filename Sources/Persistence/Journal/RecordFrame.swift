/// How records stand in a file: the count of their bytes and a checksum, four bytes each, the lowest first, then the bytes.
///
/// A file begins with a record of its own that says what it is. A record that is cut off or does not fit its checksum is
/// where a write was broken off: it and all behind it count for nothing.
enum RecordFrame {
  /// Bytes before those of a record.
  static let headCount = 8
  /// Bytes of a record at most.
  static let mostBytes = 16 << 20

  /// Adds a record to what will be written.
  static func append(_ payload: [UInt8], to bytes: inout [UInt8]) {
    let count = word(UInt32(payload.count))
    bytes += count
    bytes += word(Checksum.of(count + payload))
    bytes += payload
  }

  /// Calls `body` with each whole record; returns how many bytes they have together.
  static func read(_ bytes: [UInt8], _ body: (ArraySlice<UInt8>) -> Void) -> Int {
    var place = 0
    while bytes.count - place >= headCount {
      let count = Int(number(bytes, place))
      guard count <= mostBytes, bytes.count - place - headCount >= count else { return place }
      let payload = bytes[(place + headCount)..<(place + headCount + count)]
      guard Checksum.of(bytes[place..<place + 4] + payload) == number(bytes, place + 4) else { return place }
      body(payload)
      place += headCount + count
    }
    return place
  }

  private static func word(_ value: UInt32) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: value >> UInt32(8 * $0)) }
  }

  private static func number(_ bytes: [UInt8], _ place: Int) -> UInt32 {
    (0..<4).reduce(0) { $0 | UInt32(bytes[place + $1]) << UInt32(8 * $1) }
  }
}
