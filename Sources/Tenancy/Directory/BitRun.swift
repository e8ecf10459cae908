/// A set of small numbers, a bit each.
struct BitRun {
  private var words: [UInt64]

  /// None of the numbers below `capacity`; larger ones may follow.
  init(capacity: Int) { words = Array(repeating: 0, count: capacity / 64 + 1) }

  /// Whether a number is in.
  func contains(_ number: Int32) -> Bool {
    Int(number) / 64 < words.count && words[Int(number) / 64] >> UInt64(number % 64) & 1 == 1
  }

  /// Adds a number.
  mutating func insert(_ number: Int32) {
    while Int(number) / 64 >= words.count { words.append(0) }
    words[Int(number) / 64] |= 1 << UInt64(number % 64)
  }

  /// Takes a number out.
  mutating func remove(_ number: Int32) {
    if contains(number) { words[Int(number) / 64] &= ~(1 << UInt64(number % 64)) }
  }
}
