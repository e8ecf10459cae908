/// Names and values of fields, compared without case (RFC 9110, section 5.1).
public enum FieldText {
  /// Whether the bytes from `p` on begin with `text`, which is in lower case, in any case.
  public static func begins(_ p: UnsafePointer<UInt8>, _ count: Int, _ text: StaticString) -> Bool {
    guard count >= text.utf8CodeUnitCount else { return false }
    for index in 0..<text.utf8CodeUnitCount {
      guard Octet.lower(p[index]) == text.utf8Start[index] else { return false }
    }
    return true
  }

  /// Whether the bytes from `p` on are `text`, which is in lower case, in any case.
  public static func matches(_ p: UnsafePointer<UInt8>, _ count: Int, _ text: StaticString) -> Bool {
    count == text.utf8CodeUnitCount && begins(p, count, text)
  }
}
