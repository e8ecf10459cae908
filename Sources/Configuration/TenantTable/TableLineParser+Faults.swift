import ConfigLanguage
import Primitives
import Tenancy

/// What is said about a bad line: off the good path.
extension TableLineParser {
  mutating func checkComment(_ text: UnsafePointer<UInt8>, _ count: Int, _ start: Int) {
    let comment = UnsafeBufferPointer(start: text + start, count: count - start)
    if let fault = TableText.firstFault(comment) {
      let at = Int32(start + fault.at)
      faults.append(TableFault(range: ByteRange(at, at + 1), message: fault.message))
    }
  }

  /// A line with a byte that may not be there has that one error.
  @inline(never)
  mutating func preferByteFault(_ text: UnsafeBufferPointer<UInt8>) {
    guard let fault = TableText.firstFault(text) else { return }
    faults = [TableFault(range: ByteRange(Int32(fault.at), Int32(fault.at + 1)), message: fault.message)]
  }

  @inline(never)
  mutating func refuseID(_ id: UnsafeBufferPointer<UInt8>) {
    let isPair = id.contains(UInt8(ascii: "="))
    let message =
      if isPair {
        "a line starts with the tenant's id, not with a setting"
      } else if id.count > TableLineParser.longestID {
        "a tenant's id has at most \(TableLineParser.longestID) bytes"
      } else {
        "a tenant's id starts with a letter or digit and has letters, digits, '-', '_' and '.' only"
      }
    faults.append(TableFault(range: line.id, message: message))
  }

  @inline(never)
  mutating func refusePair(
    _ text: UnsafePointer<UInt8>, _ start: Int, _ keyEnd: Int, _ end: Int, _ key: TableKeys
  ) {
    let range = ByteRange(Int32(start), Int32(max(keyEnd, start + 1)))
    let name = TableText.shown(UnsafeBufferPointer(start: text + start, count: keyEnd - start))
    if key.isEmpty {
      let isWord = keyEnd == end
      let message = isWord ? "expected 'key=value', found '\(name)'" : "unknown key '\(name)'"
      let suggestion = Suggestion.text(for: name, among: TableKeys.names)
      faults.append(TableFault(range: range, message: message, suggestion: suggestion))
    } else if line.seen.contains(key) {
      faults.append(TableFault(range: range, message: "'\(name)' is given twice in this line"))
    } else {
      faults.append(TableFault(range: range, message: "'\(name)' needs a value: '\(name)=…'"))
    }
  }

  @inline(never)
  mutating func refuseValue(_ key: TableKeys, _ text: UnsafePointer<UInt8>, _ start: Int, _ end: Int) {
    let value = TableText.shown(UnsafeBufferPointer(start: text + start, count: end - start))
    var fault = TableFault(range: ByteRange(Int32(start), Int32(end)), message: "")
    switch key {
    case .plan:
      fault.message = "unknown plan '\(value)'"
      fault.suggestion = Suggestion.text(for: value, among: plans.names)
    case .home:
      fault.message = "unknown shard '\(value)'"
      fault.suggestion = Suggestion.text(for: value, among: shards.names)
    case .epoch: fault.message = "an epoch is a whole number from 0 to \(Int64.max)"
    case .state:
      let words = TenantState.allCases.map(\.word)
      fault.message = "a state is one of \(words.joined(separator: ", "))"
      fault.suggestion = Suggestion.text(for: value, among: words)
    case .test: fault.message = "'test' is 'yes', or when the tenant is gone: '2026-12-01T08:00:00Z'"
    case .requests: fault.message = "a rate is written '50/s' or '50/s+100' (units ms, s, m, h, d; '+' is the burst)"
    default:
      fault.message = "'concurrency' is a whole number from 1 to \(TableLineParser.largestConcurrency)"
    }
    faults.append(fault)
  }
}
