import Primitives

/// What a run of field lines held, besides the fields themselves.
struct FieldSection: BitwiseCopyable {
  /// How many fields.
  var count = 0
  /// Offset past the empty line that ends the run.
  var end = 0
  /// The known names that came.
  var seen: FieldSet = []
  /// The known names that came more than once.
  var repeated: FieldSet = []
}

/// The name at the start of a field line.
private struct NameRun {
  /// Its bytes; 0 at the end of the section.
  var count: Int
  var id: FieldName
  var hasUnderscore = false
  var outcome = HeadOutcome.complete

  static func failed(_ outcome: HeadOutcome) -> NameRun { NameRun(count: 0, id: .other, outcome: outcome) }
}

extension HeadParser {
  /// Reads field lines from `start` up to the empty line, into `fields`, `places` and `section`.
  mutating func readFields(
    _ base: UnsafePointer<UInt8>, _ start: Int, _ limit: Int, _ countBound: Int
  ) -> HeadOutcome {
    let bound = min(countBound, fieldCapacity)
    var result = FieldSection()
    var at = start
    while true {
      let name = readName(base + at, limit &- at)
      guard name.count > 0 else {
        result.end = at &+ 2
        section = result
        return name.outcome
      }
      guard result.count < bound else { return .tooLarge }
      var value = at &+ name.count &+ 1
      while value < limit, Octet.isBlank(base[value]) { value &+= 1 }
      let end = HeadParser.endOfLine(base, value, limit)
      guard end &+ 1 < limit else {
        // Nothing but the line feed may follow.
        return end < limit && base[end] != Octet.carriageReturn ? .bad : .incomplete
      }
      guard base[end] == Octet.carriageReturn, base[end &+ 1] == Octet.lineFeed else { return .bad }
      var valueEnd = end
      while valueEnd > value, Octet.isBlank(base[valueEnd &- 1]) { valueEnd &-= 1 }
      let index = result.count
      fields[index] = Field(
        line: ByteRange(narrow(at), narrow(end &+ 2)), name: ByteRange(narrow(at), narrow(at &+ name.count)),
        value: ByteRange(narrow(value), narrow(valueEnd)), id: name.id, hasUnderscore: name.hasUnderscore)
      note(name, index, &result)
      result.count = index &+ 1
      at = end &+ 2
    }
  }

  /// Notes that field `index` has this name: `places` prefers true spellings to look-alikes.
  @inline(__always)
  private func note(_ name: NameRun, _ index: Int, _ result: inout FieldSection) {
    let bit: UInt64 = name.id == .other ? 0 : 1 << UInt64(name.id.rawValue)
    if !name.hasUnderscore || result.seen.rawValue & bit == 0 {
      places[Int(name.id.rawValue)] = Int32(truncatingIfNeeded: index)
    }
    result.repeated = FieldSet(rawValue: result.repeated.rawValue | result.seen.rawValue & bit)
    result.seen = FieldSet(rawValue: result.seen.rawValue | bit)
  }

  /// The offset of the first control but HTAB from `start` on; `limit` without one before it.
  @inline(__always)
  static func endOfLine(_ base: UnsafePointer<UInt8>, _ start: Int, _ limit: Int) -> Int {
    var at = start
    while at < limit {
      let controls = ByteBlock(base + at).controls
      if controls.isEmpty {
        at &+= 16
        continue
      }
      at &+= controls.first
      if at >= limit || base[at] != Octet.tab { return min(at, limit) }
      at &+= 1
    }
    return limit
  }

  /// The name at `p`, or the end of the section there, with `count` bytes to look at.
  @inline(__always)
  private func readName(_ p: UnsafePointer<UInt8>, _ count: Int) -> NameRun {
    let block = ByteBlock(p)
    let end = block.outsideName.first
    guard end > 0, end < 16, end < count, p[end] == Octet.colon else { return readUnusualName(p, count) }
    var (low, high) = block.lowercaseWords
    // Keeps `end` bytes, 1 ... 15, of the two words.
    if end < 8 {
      low &= ~(UInt64.max << UInt64(end &* 8))
      high = 0
    } else {
      high &= ~(UInt64.max << UInt64((end &- 8) &* 8))
    }
    return NameRun(count: end, id: names.name(low, high, 0))
  }

  /// `readName` for names of 16 bytes and more, with unusual bytes, cut off, malformed; and for the section's end.
  @inline(never)
  private func readUnusualName(_ p: UnsafePointer<UInt8>, _ count: Int) -> NameRun {
    guard count > 0 else { return .failed(.incomplete) }
    if p[0] == Octet.carriageReturn {
      guard count > 1 else { return .failed(.incomplete) }
      return .failed(p[1] == Octet.lineFeed ? .complete : .bad)
    }
    var end = 0
    var isPlain = true
    while end < count, Octet.isToken(p[end]) {
      let byte = p[end]
      let isAlphanumeric = byte &- 0x30 < 10 || (byte | 0x20) &- 0x61 < 26
      if !isAlphanumeric, byte != UInt8(ascii: "-") { isPlain = false }
      end &+= 1
    }
    guard end < count else { return .failed(.incomplete) }
    guard end > 0, p[end] == Octet.colon else { return .failed(.bad) }
    return NameRun(count: end, id: FieldName.identify(p, end), hasUnderscore: !isPlain)
  }
}

/// An offset as it is kept in a `ByteRange`.
@inline(__always)
func narrow(_ offset: Int) -> Int32 { Int32(truncatingIfNeeded: offset) }
