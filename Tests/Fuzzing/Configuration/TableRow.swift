import Primitives
import Tenancy

@testable import Configuration

/// What a line of a table says, in a form that can be compared.
struct TableRow: Equatable {
  var number: Int
  var id: String
  var plan: Int32
  var home: Int32
  var epoch: Int64
  var hosts: [String]
  var state: TenantState
  var isTest: Bool
  var expiry: Int64
  var rate: TableNumber.Rate?
  var concurrency: Int32

  /// The row of the line that the parser has just read from `text`.
  init(_ parser: borrowing TableLineParser, _ number: Int, _ text: UnsafePointer<UInt8>) {
    let line = parser.line
    func bytes(_ base: UnsafePointer<UInt8>, _ range: ByteRange) -> String {
      String(decoding: UnsafeBufferPointer(start: base + Int(range.start), count: range.count), as: UTF8.self)
    }
    self.number = number
    id = bytes(text, line.id)
    plan = line.plan
    home = line.home
    epoch = line.epoch
    let memory = UnsafePointer(parser.hosts.bytes)
    let ranges = parser.hosts.ranges
    hosts = (0..<parser.hosts.count).map { bytes(memory, ranges[$0]) }
    state = line.state
    isTest = line.isTest
    expiry = line.expiry
    rate = line.hasRate ? line.rate : nil
    concurrency = line.concurrency
  }

  /// The same tenant as a block of the language.
  var block: String {
    var text = "tenant \(id) {\n"
    if !hosts.isEmpty { text += "  host \(hosts.joined(separator: " "))\n" }
    if plan >= 0 { text += "  plan \(plan == 0 ? "free" : "gold")\n" }
    if home >= 0 { text += "  home \(home == 0 ? "eu-1" : "us-1")\n" }
    if epoch >= 0 { text += "  epoch \(epoch)\n" }
    if state != .active { text += "  state \(state.word)\n" }
    if isTest { text += "  test" + (expiry > 0 ? " until \(WallTime.text(expiry))" : "") + "\n" }
    if let rate { text += "  requests \(rate.count)/\(rate.period / .millisecond)ms burst \(rate.burst)\n" }
    if concurrency >= 0 { text += "  concurrency \(concurrency)\n" }
    return text + "}\n"
  }
}
