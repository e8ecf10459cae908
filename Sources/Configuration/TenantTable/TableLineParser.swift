import Primitives
import Tenancy

/// Reads lines of a table one at a time; makes nothing on the heap for a good one.
struct TableLineParser: ~Copyable {
  /// Bytes of a tenant's id.
  static let longestID = 64
  /// The largest `concurrency`.
  static let largestConcurrency: Int64 = 1_000_000

  /// What the last line said.
  private(set) var line = TableLine()
  /// The hosts of the last line.
  private(set) var hosts: TableHosts
  /// The errors of the last line.
  var faults: [TableFault] = []
  /// The plans by name.
  let plans: NameTable
  /// The shards by name.
  let shards: NameTable

  /// A parser that knows these plans and shards by name.
  init(plans: [String: Int], shards: [String: Int], lineBound: Int) {
    self.plans = NameTable(plans)
    self.shards = NameTable(shards)
    hosts = TableHosts(lineBound: lineBound)
  }

  /// Reads one line without its line end; `false` when it declares nothing (a blank, a comment, no usable id).
  mutating func parse(_ text: UnsafePointer<UInt8>, _ count: Int) -> Bool {
    line = TableLine()
    hosts.removeAll()
    if !faults.isEmpty { faults.removeAll() }
    var at = 0
    let isDeclaration = parseID(text, count, &at)
    if !line.id.isEmpty { while at < count, parsePair(text, count, &at) {} }
    if !faults.isEmpty { preferByteFault(UnsafeBufferPointer(start: text, count: count)) }
    return isDeclaration
  }

  private mutating func parseID(_ text: UnsafePointer<UInt8>, _ count: Int, _ at: inout Int) -> Bool {
    skipBlanks(text, count, &at)
    if at == count { return false }
    if text[at] == UInt8(ascii: "#") {
      checkComment(text, count, at)
      return false
    }
    let start = at
    var isGood = isAlphanumeric(text[at])
    while at < count, text[at] != 0x20, text[at] != 0x09 {
      isGood = isGood && isIDByte(text[at])
      at += 1
    }
    line.id = ByteRange(Int32(start), Int32(at))
    if isGood, at - start <= TableLineParser.longestID { return true }
    refuseID(UnsafeBufferPointer(start: text + start, count: at - start))
    return false
  }

  private func skipBlanks(_ text: UnsafePointer<UInt8>, _ count: Int, _ at: inout Int) {
    while at < count, text[at] == 0x20 || text[at] == 0x09 { at += 1 }
  }

  private func isAlphanumeric(_ byte: UInt8) -> Bool { (byte | 0x20) &- 0x61 < 26 || byte &- 0x30 < 10 }

  private func isIDByte(_ byte: UInt8) -> Bool {
    isAlphanumeric(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: ".")
  }

  /// Reads one `key=value`; `false` at the end of the line.
  private mutating func parsePair(_ text: UnsafePointer<UInt8>, _ count: Int, _ at: inout Int) -> Bool {
    skipBlanks(text, count, &at)
    if at == count { return false }
    if text[at] == UInt8(ascii: "#") {
      checkComment(text, count, at)
      return false
    }
    let start = at
    while at < count, text[at] != UInt8(ascii: "="), text[at] != 0x20, text[at] != 0x09 { at += 1 }
    let keyEnd = at
    while at < count, text[at] != 0x20, text[at] != 0x09 { at += 1 }
    let key = TableKeys.named(text + start, keyEnd - start)
    if keyEnd == at || keyEnd + 1 == at || key.isEmpty || line.seen.contains(key) {
      refusePair(text, start, keyEnd, at, key)
      return true
    }
    line.seen.insert(key)
    parseValue(key, text, keyEnd + 1, at)
    return true
  }

  private mutating func parseValue(_ key: TableKeys, _ text: UnsafePointer<UInt8>, _ start: Int, _ end: Int) {
    let (value, count) = (text + start, end - start)
    var isGood = true
    switch key {
    case .host: parseHosts(text, start, end)
    case .plan:
      line.plan = plans.value(value, count)
      isGood = line.plan >= 0
    case .home:
      line.home = shards.value(value, count)
      isGood = line.home >= 0
    case .epoch:
      line.epochValue = ByteRange(Int32(start), Int32(end))
      line.epoch = TableNumber.decimal(value, count, bound: .max) ?? -1
      isGood = line.epoch >= 0
    case .state:
      // Most lines say so, and without a String.
      if count == 6, TableKeys.matches(value, "active") { break }
      let state = TenantState(word: String(decoding: UnsafeBufferPointer(start: value, count: count), as: UTF8.self))
      line.state = state ?? .active
      isGood = state != nil
    case .test:
      line.isTest = true
      if count == 3, TableKeys.matches(value, "yes") { break }
      let expiry = WallTime.milliseconds(
        String(decoding: UnsafeBufferPointer(start: value, count: count), as: UTF8.self))
      line.expiry = expiry ?? 0
      isGood = expiry != nil
    case .requests:
      let rate = TableNumber.rate(value, count)
      if let rate { line.rate = rate }
      line.hasRate = rate != nil
      isGood = line.hasRate
    default:
      let number = TableNumber.decimal(value, count, bound: TableLineParser.largestConcurrency)
      line.concurrency = Int32(number ?? -1)
      isGood = (number ?? 0) > 0
    }
    if !isGood { refuseValue(key, text, start, end) }
  }

  private mutating func parseHosts(_ text: UnsafePointer<UInt8>, _ start: Int, _ end: Int) {
    line.hostValue = ByteRange(Int32(start), Int32(end))
    var at = start
    while true {
      let first = at
      while at < end, text[at] != UInt8(ascii: ",") { at += 1 }
      if let fault = hosts.append(text + first, at - first) {
        let range = ByteRange(Int32(first), Int32(max(at, first + 1)))
        faults.append(TableFault(range: range, message: fault.message))
      }
      if at == end { return }
      at += 1
    }
  }

  /// Where host number `index` of the last line stands in it.
  func range(ofHost index: Int, _ text: UnsafePointer<UInt8>) -> ByteRange {
    var start = line.hostValue.start
    var commas = 0
    for at in line.hostValue.start..<line.hostValue.end where text[Int(at)] == UInt8(ascii: ",") {
      if commas == index { return ByteRange(start, at) }
      commas += 1
      start = at + 1
    }
    return ByteRange(start, line.hostValue.end)
  }
}
