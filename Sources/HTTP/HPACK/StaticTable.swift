import Primitives

/// The static table of HPACK (RFC 7541 appendix A), laid out when first used.
public struct StaticTable: @unchecked Sendable, BitwiseCopyable {
  // Unchecked: all memory is written in `init` and only read afterwards.
  /// The table of the process; never freed.
  public static let shared = StaticTable()
  /// Entries; indices start at 1.
  public static let count = 61

  private static let entries: StaticString = """
    :authority=|:method=GET|:method=POST|:path=/|:path=/index.html|:scheme=http|:scheme=https|:status=200|:status=204|\
    :status=206|:status=304|:status=400|:status=404|:status=500|accept-charset=|accept-encoding=gzip, deflate|\
    accept-language=|accept-ranges=|accept=|access-control-allow-origin=|age=|allow=|authorization=|cache-control=|\
    content-disposition=|content-encoding=|content-language=|content-length=|content-location=|content-range=|\
    content-type=|cookie=|date=|etag=|expect=|expires=|from=|host=|if-match=|if-modified-since=|if-none-match=|\
    if-range=|if-unmodified-since=|last-modified=|link=|location=|max-forwards=|proxy-authenticate=|\
    proxy-authorization=|range=|referer=|refresh=|retry-after=|server=|set-cookie=|strict-transport-security=|\
    transfer-encoding=|user-agent=|vary=|via=|www-authenticate=|
    """

  private struct Entry: BitwiseCopyable {
    var name: UnsafePointer<UInt8>
    var nameCount: Int
    var value: UnsafePointer<UInt8>
    var valueCount: Int
  }

  private static let slots = 256
  private let table: UnsafeMutablePointer<Entry>
  /// The first index of each name, by the hash of the name; 0 where there is none.
  private let firsts: UnsafeMutablePointer<UInt8>
  /// The first index of each known name; 0 where there is none.
  private let firstOfName: UnsafeMutablePointer<UInt8>

  private init() {
    table = .allocate(capacity: StaticTable.count + 1)
    firsts = .allocate(capacity: StaticTable.slots)
    firsts.initialize(repeating: 0, count: StaticTable.slots)
    firstOfName = .allocate(capacity: 64)
    firstOfName.initialize(repeating: 0, count: 64)
    var at = StaticTable.entries.utf8Start
    (table + 0).initialize(to: Entry(name: at, nameCount: 0, value: at, valueCount: 0))
    for index in 1...StaticTable.count {
      let name = at
      // The first character is never the separator, and pseudo-fields start with a colon.
      while at.pointee != UInt8(ascii: "=") { at += 1 }
      let value = at + 1
      while at.pointee != UInt8(ascii: "|") { at += 1 }
      (table + index).initialize(
        to: Entry(name: name, nameCount: value - name - 1, value: value, valueCount: at - value))
      at += 1
      note(index)
    }
    for name in FieldName.allCases where name != .other {
      firstOfName[Int(name.rawValue)] = UInt8(index(ofName: name.text.utf8Start, name.text.utf8CodeUnitCount))
    }
  }

  /// The first index whose name is this one; 0 when there is none.
  @inline(__always)
  func index(of name: FieldName) -> Int { Int(firstOfName[Int(name.rawValue)]) }

  private func note(_ index: Int) {
    let entry = table[index]
    var slot = StaticTable.hash(entry.name, entry.nameCount)
    while firsts[slot] != 0 {
      if isName(entry.name, entry.nameCount, at: Int(firsts[slot])) { return }
      slot = (slot &+ 1) & (StaticTable.slots - 1)
    }
    firsts[slot] = UInt8(index)
  }

  /// The name of an entry, 1 ... 61.
  @inline(__always)
  public func name(_ index: Int) -> UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(start: table[index].name, count: table[index].nameCount)
  }

  /// The value of an entry, 1 ... 61; empty for entries that are only names.
  @inline(__always)
  public func value(_ index: Int) -> UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(start: table[index].value, count: table[index].valueCount)
  }

  /// The first index whose name is this one, in lower case; 0 when there is none.
  public func index(ofName name: UnsafePointer<UInt8>, _ count: Int) -> Int {
    guard count > 0 else { return 0 }
    var slot = StaticTable.hash(name, count)
    while firsts[slot] != 0 {
      let index = Int(firsts[slot])
      if isName(name, count, at: index) { return index }
      slot = (slot &+ 1) & (StaticTable.slots - 1)
    }
    return 0
  }

  @inline(__always)
  private func isName(_ name: UnsafePointer<UInt8>, _ count: Int, at index: Int) -> Bool {
    count == table[index].nameCount && ByteComparison.areEqual(name, table[index].name, count)
  }

  @inline(__always)
  private static func hash(_ name: UnsafePointer<UInt8>, _ count: Int) -> Int {
    let mixed = Int(name[0]) &* 31 &+ Int(name[count &- 1]) &* 7 &+ Int(name[count >> 1]) &* 131 &+ count &* 17
    return (mixed ^ mixed >> 5) & (slots - 1)
  }
}
