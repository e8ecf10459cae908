import Glibc

/// Why something could not be kept, or read back.
public struct PersistenceError: Error, CustomStringConvertible {
  /// The error in words.
  public let description: String
  /// Whether it was for want of room.
  public let isFull: Bool

  init(_ action: String, _ path: String, _ number: Int32) {
    description = "can't \(action) \(path): \(String(cString: strerror(number)))"
    isFull = number == ENOSPC || number == EDQUOT || number == EFBIG
  }

  /// An error of these words.
  public init(_ description: String) {
    self.description = description
    isFull = false
  }
}
