/// How records stand in a file: the count of their bytes and a checksum, four bytes each, the lowest first, then the bytes.
///
/// A file begins with a record of its own that says what it is. The highest bit of a count says that the record and the
/// next one belong together: of records that do, all count or none. A record that is cut off or does not fit its checksum
/// is where a write was broken off: it, those before it that belong to it, and all behind it count for nothing.
enum RecordFrame {
  /// Bytes before those of a record.
  static let headCount = 8
  /// Bytes of a record at most.
  static let mostBytes = 16 << 20
  private static let goesOn: UInt32 = 1 << 31

  /// Adds a record to what will be written.
  static func append(_ payload: [UInt8], to bytes: inout [UInt8], goesOn: Bool = false) {
    let count = UInt32(payload.count) | (goesOn ? RecordFrame.goesOn : 0)
    let start = bytes.count
    bytes.append(contentsOf: repeatElement(0, count: headCount))
    bytes += payload
    bytes.withUnsafeMutableBytes { bytes in
      bytes.storeBytes(of: count.littleEndian, toByteOffset: start, as: UInt32.self)
      let sum = checksum(UnsafeRawBufferPointer(bytes), start, payload.count)
      bytes.storeBytes(of: sum.littleEndian, toByteOffset: start + 4, as: UInt32.self)
    }
  }

  /// Adds records that belong together.
  static func append(together records: [[UInt8]], to bytes: inout [UInt8]) {
    for (place, record) in records.enumerated() { append(record, to: &bytes, goesOn: place + 1 < records.count) }
  }

  /// Calls `body` with each record that counts; returns how many bytes they have together.
  static func read(_ bytes: [UInt8], _ body: (ArraySlice<UInt8>) -> Void) -> Int {
    var place = 0
    var whole = 0
    var waiting: [Range<Int>] = []
    while let (payload, goesOn) = record(bytes, at: place) {
      place = payload.upperBound
      waiting.append(payload)
      if goesOn { continue }
      for range in waiting { body(bytes[range]) }
      waiting.removeAll(keepingCapacity: true)
      whole = place
    }
    return whole
  }

  /// Where the bytes of the record at `place` are, and whether the next one belongs to it; `nil` when none is whole there.
  private static func record(_ bytes: [UInt8], at place: Int) -> (Range<Int>, Bool)? {
    guard bytes.count - place >= headCount else { return nil }
    return bytes.withUnsafeBytes { bytes -> (Range<Int>, Bool)? in
      let word = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt32.self))
      let count = Int(word & ~goesOn)
      guard count <= mostBytes, bytes.count - place - headCount >= count else { return nil }
      let sum = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: place + 4, as: UInt32.self))
      guard checksum(bytes, place, count) == sum else { return nil }
      return (place + headCount..<place + headCount + count, word & goesOn != 0)
    }
  }

  /// The checksum of a record's count and its bytes.
  private static func checksum(_ bytes: UnsafeRawBufferPointer, _ place: Int, _ count: Int) -> UInt32 {
    var checksum = Checksum()
    checksum.add(UnsafeRawBufferPointer(rebasing: bytes[place..<place + 4]))
    checksum.add(UnsafeRawBufferPointer(rebasing: bytes[place + headCount..<place + headCount + count]))
    return checksum.value
  }
}
