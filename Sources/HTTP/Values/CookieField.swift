import Primitives

/// The Cookie field of requests (RFC 6265 §4.2).
public enum CookieField {
  /// The value of the first cookie called exactly `name` in the field value at `value`; `.none` without one. Sixteen
  /// bytes behind the value are readable.
  public static func find(
    _ p: UnsafePointer<UInt8>, _ value: ByteRange, name: UnsafePointer<UInt8>, _ nameCount: Int
  ) -> ByteRange {
    var at = Int(value.start)
    let end = Int(value.end)
    while at < end {
      let start = at
      while at < end {
        let semicolons = ByteBlock(p + at).occurrences(of: UInt8(ascii: ";"))
        at &+= semicolons.first
        if !semicolons.isEmpty { break }
      }
      at = min(at, end)
      let pair = Octet.trimmed(p, (start, at))
      at &+= 1
      let equals = pair.start &+ nameCount
      guard equals < pair.end, p[equals] == UInt8(ascii: "=") else { continue }
      var index = 0
      while index < nameCount, p[pair.start &+ index] == name[index] { index &+= 1 }
      if index == nameCount { return ByteRange(narrow(equals &+ 1), narrow(pair.end)) }
    }
    return .none
  }
}
