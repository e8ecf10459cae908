import Tenancy

/// Reads the system's time zone files (TZif, RFC 8536).
enum ZoneFile {
  /// Where they are.
  static let folder = "/usr/share/zoneinfo"
  /// The year up to which a rule that holds for ever is written out.
  static let lastYear: Int64 = 2_100
  /// Bytes of a file at most.
  static let mostBytes = 1 << 20

  /// The offsets that a file tells; `nil` when it isn't one.
  static func table(_ bytes: [UInt8]) -> TimeZoneTable? {
    guard bytes.count <= mostBytes, var block = Block(bytes, at: 0, wordSize: 4) else { return nil }
    var rule: PosixZone?
    if block.version >= UInt8(ascii: "2") {
      // The same again with times of eight bytes; the first block is for old readers.
      guard let wide = Block(bytes, at: block.end, wordSize: 8) else { return nil }
      block = wide
      rule = PosixZone(footer(bytes, at: block.end))
    }
    guard var transitions = block.transitions(bytes) else { return nil }
    let first = block.firstOffset(bytes)
    if let rule {
      let last = transitions.last?.time ?? Int64.min
      transitions += rule.transitions(to: lastYear).filter { $0.time > last }
      if transitions.isEmpty { return TimeZoneTable(firstOffset: rule.standard, transitions: []) }
    }
    return TimeZoneTable(firstOffset: first, transitions: transitions)
  }

  private static func footer(_ bytes: [UInt8], at start: Int) -> String {
    guard start < bytes.count, bytes[start] == UInt8(ascii: "\n") else { return "" }
    return String(decoding: bytes[(start + 1)...].prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
  }

  /// One of the two parts of a file.
  private struct Block {
    let version: UInt8
    let wordSize: Int
    private let start: Int
    private let times: Int
    private let types: Int
    /// Where what follows it begins.
    let end: Int

    init?(_ bytes: [UInt8], at place: Int, wordSize: Int) {
      guard bytes.count >= place + 44, bytes[place..<place + 4].elementsEqual("TZif".utf8) else { return nil }
      version = bytes[place + 4]
      self.wordSize = wordSize
      func count(_ index: Int) -> Int { Int(ZoneFile.number(bytes, place + 20 + 4 * index, 4)) }
      let (universals, standards, leaps, texts) = (count(0), count(1), count(2), count(5))
      times = count(3)
      types = count(4)
      start = place + 44
      let counts = [universals, standards, leaps, times, types, texts]
      guard counts.allSatisfy({ (0...ZoneFile.mostBytes).contains($0) }), types > 0 else { return nil }
      end =
        start + times * (wordSize + 1) + types * 6 + texts + leaps * (wordSize + 4) + standards + universals
      guard end <= bytes.count else { return nil }
    }

    private func offset(_ bytes: [UInt8], ofType type: Int) -> Int64 {
      ZoneFile.number(bytes, start + times * (wordSize + 1) + type * 6, 4)
    }

    /// What holds before the first change: the first type (RFC 8536, section 3.2).
    func firstOffset(_ bytes: [UInt8]) -> Int64 { offset(bytes, ofType: 0) }

    func transitions(_ bytes: [UInt8]) -> [TimeZoneTable.Transition]? {
      var found: [TimeZoneTable.Transition] = []
      for index in 0..<times {
        let type = Int(bytes[start + times * wordSize + index])
        guard type < types else { return nil }
        let time = ZoneFile.number(bytes, start + index * wordSize, wordSize)
        found.append(TimeZoneTable.Transition(time: time, offset: offset(bytes, ofType: type)))
      }
      return found
    }
  }

  /// A signed number of `size` bytes, the highest first.
  fileprivate static func number(_ bytes: [UInt8], _ place: Int, _ size: Int) -> Int64 {
    var value: Int64 = bytes[place] & 0x80 != 0 ? -1 : 0
    for byte in bytes[place..<place + size] { value = value << 8 | Int64(byte) }
    return value
  }
}
