import Primitives

/// The Accept field of requests (RFC 9110 §12.5.1), as far as answers of our own need it.
public enum Accept {
  /// Whether HTML is wanted more than problem details in JSON; a bare `*/*` wants neither more.
  public static func prefersHTML(_ p: UnsafePointer<UInt8>, _ value: ByteRange) -> Bool {
    var html = Wish()
    var json = Wish()
    var at = Int(value.start)
    let end = Int(value.end)
    while at < end {
      let start = at
      var isQuoted = false
      while at < end, isQuoted || p[at] != UInt8(ascii: ",") {
        if p[at] == UInt8(ascii: "\"") { isQuoted.toggle() }
        at &+= 1
      }
      read(p, start, at, &html, &json)
      at &+= 1
    }
    return html.quality > json.quality
  }

  /// How much a kind of answer is wanted, by the narrowest range that covers it.
  private struct Wish {
    var quality = 0
    var narrowness = 0

    mutating func note(_ quality: Int, narrowness: Int) {
      guard narrowness >= self.narrowness else { return }
      self.quality = narrowness > self.narrowness ? quality : max(quality, self.quality)
      self.narrowness = narrowness
    }
  }

  /// Notes one element of the list.
  private static func read(
    _ p: UnsafePointer<UInt8>, _ start: Int, _ end: Int, _ html: inout Wish, _ json: inout Wish
  ) {
    var semicolon = start
    while semicolon < end, p[semicolon] != UInt8(ascii: ";") { semicolon &+= 1 }
    let type = Octet.trimmed(p, (start, semicolon))
    let quality = readQuality(p, semicolon, end)
    let (name, count) = (p + type.start, type.end - type.start)
    if Octet.matches(name, count, "text/html") {
      html.note(quality, narrowness: 3)
    } else if Octet.matches(name, count, "text/*") {
      html.note(quality, narrowness: 2)
    } else if Octet.matches(name, count, "application/json") || Octet.matches(name, count, "application/problem+json") {
      json.note(quality, narrowness: 3)
    } else if Octet.matches(name, count, "application/*") {
      json.note(quality, narrowness: 2)
    } else if Octet.matches(name, count, "*/*") {
      html.note(quality, narrowness: 1)
      json.note(quality, narrowness: 1)
    }
  }

  /// The weight in thousandths that the parameters from `start` on give; 1000 without one, 0 for a malformed one.
  private static func readQuality(_ p: UnsafePointer<UInt8>, _ start: Int, _ end: Int) -> Int {
    var at = start
    while at < end {
      let next = at &+ 1
      at = next
      while at < end, p[at] != UInt8(ascii: ";") { at &+= 1 }
      let parameter = Octet.trimmed(p, (next, at))
      guard parameter.end - parameter.start >= 2, Octet.matches(p + parameter.start, 2, "q=") else { continue }
      return thousandths(p + parameter.start + 2, parameter.end - parameter.start - 2)
    }
    return 1000
  }

  /// `0`, `1`, `0.125`, `1.000` and the like, in thousandths.
  private static func thousandths(_ p: UnsafePointer<UInt8>, _ count: Int) -> Int {
    guard count > 0, count <= 5, p[0] &- 0x30 <= 1, count == 1 || p[1] == UInt8(ascii: ".") else { return 0 }
    var value = Int(p[0] &- 0x30) * 1000
    var unit = 100
    for index in 2..<max(2, count) {
      guard p[index] &- 0x30 <= 9 else { return 0 }
      value += Int(p[index] &- 0x30) * unit
      unit /= 10
    }
    return min(value, 1000)
  }
}
