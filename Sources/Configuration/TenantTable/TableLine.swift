import Primitives
import Tenancy

/// What one line of a table says; ranges are offsets in the line, hosts are in `TableHosts`.
struct TableLine: BitwiseCopyable {
  /// The tenant's id.
  var id = ByteRange.none
  /// The plan's number, -1 when none is named.
  var plan: Int32 = -1
  /// The shard's number, -1 when none is named.
  var home: Int32 = -1
  /// The placement's epoch, -1 when it is not given.
  var epoch: Int64 = -1
  /// What `state=` says.
  var state = TenantState.active
  /// Whether `test=` says so, and when the tenant is gone, in milliseconds since 1970; 0 is never.
  var isTest = false
  var expiry: Int64 = 0
  /// The tenant's own rate; `hasRate` tells whether there is one.
  var rate = TableNumber.Rate(count: 0, period: 0, burst: 0)
  /// Whether `requests=` was said.
  var hasRate = false
  /// The tenant's own bound of requests in flight, -1 when none is given; 0 is unlimited.
  var concurrency: Int32 = -1
  /// The keys that were given.
  var seen = TableKeys()
  /// Where each key's value is, for errors found later.
  var hostValue = ByteRange.none
  /// Where the value of `epoch` is.
  var epochValue = ByteRange.none
}

/// The keys of a line.
struct TableKeys: OptionSet, BitwiseCopyable {
  var rawValue: UInt8 = 0

  static let plan = TableKeys(rawValue: 1)
  static let home = TableKeys(rawValue: 2)
  static let epoch = TableKeys(rawValue: 4)
  static let host = TableKeys(rawValue: 8)
  static let state = TableKeys(rawValue: 16)
  static let requests = TableKeys(rawValue: 32)
  static let concurrency = TableKeys(rawValue: 64)
  static let test = TableKeys(rawValue: 128)

  /// Their spelling, in the order of the reference.
  static let names = ["plan", "home", "epoch", "host", "state", "requests", "concurrency", "test"]

  /// The key that these bytes spell, or none.
  static func named(_ text: UnsafePointer<UInt8>, _ count: Int) -> TableKeys {
    switch count {
    case 4:
      if matches(text, "host") { return .host }
      if matches(text, "plan") { return .plan }
      if matches(text, "test") { return .test }
      return matches(text, "home") ? .home : []
    case 5: return matches(text, "epoch") ? .epoch : matches(text, "state") ? .state : []
    case 8: return matches(text, "requests") ? .requests : []
    case 11: return matches(text, "concurrency") ? .concurrency : []
    default: return []
    }
  }

  /// Whether the bytes at `text` are those of `word`.
  @inline(__always)
  static func matches(_ text: UnsafePointer<UInt8>, _ word: StaticString) -> Bool {
    let bytes = word.utf8Start
    for index in 0..<word.utf8CodeUnitCount where text[index] != bytes[index] { return false }
    return true
  }
}

/// One error within a line, before it has a place in a file.
struct TableFault {
  var range: ByteRange
  var message: String
  var suggestion: String?
}
