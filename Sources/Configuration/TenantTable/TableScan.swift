import Glibc
import Primitives

/// Goes through a table line by line and gathers what is wrong with it.
struct TableScan: ~Copyable {
  private var lines: TableLines
  private var parser: TableLineParser
  private(set) var diagnostics = TableDiagnostics()

  /// A scan of an open file, which is closed in the end.
  init(file: Int32, plans: [String: Int], shards: [String: Int]) {
    lines = TableLines(file: file)
    parser = TableLineParser(plans: plans, shards: shards, lineBound: TableLines.lineBound)
  }

  /// Hands each declaration to `take`, with its line's number and bytes, and notes what that finds wrong.
  mutating func run(
    _ take: (borrowing TableLineParser, _ number: Int, _ text: UnsafePointer<UInt8>, inout [TableFault]) -> Void
  ) {
    var found: [TableFault] = []
    while true {
      switch lines.next() {
      case .line:
        if parser.parse(lines.start, lines.count) { take(parser, lines.number, lines.start, &found) }
        if !found.isEmpty || !parser.faults.isEmpty {
          noteAll(parser.faults + found)
          found.removeAll()
        }
      case .tooLong:
        noteLongLine()
      case .end:
        return
      case .failed(let number):
        let message = "can't be read: \(String(cString: strerror(number)))"
        diagnostics.append { TableDiagnostic(line: 0, column: 0, length: 0, message: message) }
        return
      }
    }
  }

  /// Notes the faults of one line by their place.
  private mutating func noteAll(_ faults: [TableFault]) {
    for fault in faults.sorted(by: { $0.range.start < $1.range.start }) { note(fault) }
  }

  private mutating func note(_ fault: TableFault) {
    let (number, text) = (lines.number, UnsafeBufferPointer(start: lines.start, count: lines.count))
    diagnostics.append { TableScan.place(fault, number, text) }
  }

  private mutating func noteLongLine() {
    let message = "a line has at most \(TableLines.lineBound >> 10) KiB"
    let number = lines.number
    let start = UnsafeBufferPointer(start: lines.start, count: min(lines.count, 64))
    diagnostics.append {
      TableDiagnostic(line: number, column: 1, length: 1, message: message, text: TableText.shown(start) + "…")
    }
  }

  private static func place(_ fault: TableFault, _ number: Int, _ text: UnsafeBufferPointer<UInt8>) -> TableDiagnostic {
    // What is missing at the end of a line stands past its last byte.
    let (start, end) = (min(Int(fault.range.start), text.count), min(Int(fault.range.end), text.count))
    let before = TableText.shown(UnsafeBufferPointer(rebasing: text[..<start])).unicodeScalars.count
    let run = TableText.shown(UnsafeBufferPointer(rebasing: text[start..<end])).unicodeScalars.count
    return TableDiagnostic(
      line: number, column: before + 1, length: max(1, run), message: fault.message, suggestion: fault.suggestion,
      text: TableText.shown(text))
  }
}
