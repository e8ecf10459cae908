/// What a value must look like.
public enum ValueType: Sendable {
  /// Any word that isn't empty; its meaning is checked by whoever knows it.
  case word
  /// A name of letters, digits, `-`, `_` and `.`, at most 64 of them.
  case name
  /// A bare number within bounds.
  case count(ClosedRange<Int64>)
  /// A bare number within bounds, or this word.
  case countOr(String, ClosedRange<Int64>)
  /// A span of time within bounds, in nanoseconds.
  case duration(ClosedRange<Int64>)
  /// An amount of bytes within bounds.
  case size(ClosedRange<Int64>)
  /// A rate whose count lies within bounds; its period may be a millisecond to 31 days.
  case rate(ClosedRange<Int64>)
  /// An amount of bytes a second, such as `10MiB/s`, within bounds.
  case byteRate(ClosedRange<Int64>)
  /// A whole percentage within bounds, such as `80%`.
  case percent(ClosedRange<Int64>)
  /// A bare number, or an amount of bytes; `period` is 1 for bytes.
  case amount(ClosedRange<Int64>)
  /// One of these words.
  case choice([String])

  /// The words of a choice as a usage line shows them.
  var alternatives: String? {
    switch self {
    case .choice(let words): words.joined(separator: "|")
    case .countOr(let word, _): "\(word)|N"
    default: nil
    }
  }
}

/// A value that has the form it should have.
public struct Value: Sendable {
  /// The label or keyword it goes by.
  public var label: String
  /// The word it was read from.
  public var word: Word
  /// The count, percent, nanoseconds or bytes; 0 for words and names, and for the word of `countOr`.
  public var number: Int64 = 0
  /// The period of a rate, in nanoseconds; of an amount whether it is one of bytes.
  public var period: Int64 = 0

  /// The value `word`.
  public init(label: String, word: Word) {
    self.label = label
    self.word = word
  }

  /// The text of the word.
  public var text: String { word.text }
}
