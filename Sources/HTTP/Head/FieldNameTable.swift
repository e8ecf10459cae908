/// Finds the known name of up to 24 lower-case bytes in one step: a hash without collisions, found when first used.
struct FieldNameTable: @unchecked Sendable, BitwiseCopyable {
  /// The longest name that the three words of an entry hold.
  static let longestName = 24
  /// The table of the process; never freed.
  static let shared = FieldNameTable()

  private struct Entry: BitwiseCopyable {
    var low: UInt64 = 0
    var middle: UInt64 = 0
    var high: UInt64 = 0
    var name = FieldName.other
  }

  private static let slotBits: UInt64 = 7
  private let entries: UnsafeMutablePointer<Entry>
  private let multiplier: UInt64

  private init() {
    entries = .allocate(capacity: 1 << FieldNameTable.slotBits)
    var candidate: UInt64 = 0x9E37_79B9_7F4A_7C15
    while !FieldNameTable.fill(entries, candidate) {
      candidate = (candidate &* 0xBF58_476D_1CE4_E5B9 ^ candidate >> 29) | 1
    }
    multiplier = candidate
  }

  /// The name spelt by these words (the first byte lowest, zero bytes after the last).
  @inline(__always)
  func name(_ low: UInt64, _ middle: UInt64, _ high: UInt64) -> FieldName {
    let entry = entries + FieldNameTable.slot(low, middle, high, multiplier)
    let difference = (entry.pointee.low ^ low) | (entry.pointee.middle ^ middle) | (entry.pointee.high ^ high)
    return difference == 0 ? entry.pointee.name : .other
  }

  @inline(__always)
  private static func slot(_ low: UInt64, _ middle: UInt64, _ high: UInt64, _ multiplier: UInt64) -> Int {
    let mixed = low ^ (middle << 23 | middle >> 41) ^ high
    return Int(truncatingIfNeeded: (mixed &* multiplier) >> (64 - slotBits))
  }

  /// Whether all names found a slot of their own.
  private static func fill(_ entries: UnsafeMutablePointer<Entry>, _ multiplier: UInt64) -> Bool {
    entries.initialize(repeating: Entry(), count: 1 << slotBits)
    for name in FieldName.allCases where name != .other {
      var words: (UInt64, UInt64, UInt64) = (0, 0, 0)
      withUnsafeMutableBytes(of: &words) { bytes in
        for index in 0..<name.text.utf8CodeUnitCount { bytes[index] = name.text.utf8Start[index] }
      }
      let low = UInt64(littleEndian: words.0)
      let middle = UInt64(littleEndian: words.1)
      let high = UInt64(littleEndian: words.2)
      let entry = entries + slot(low, middle, high, multiplier)
      guard entry.pointee.name == .other else { return false }
      entry.pointee = Entry(low: low, middle: middle, high: high, name: name)
    }
    return true
  }
}
