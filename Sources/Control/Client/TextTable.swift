/// Rows under headings, aligned for people.
struct TextTable {
  private var rows: [[String]]
  /// Columns whose texts stand at their right edge.
  private let numbers: Set<Int>

  /// An empty table; the columns at `numbers` hold numbers.
  init(_ headings: [String], numbers: Set<Int> = []) {
    rows = [headings]
    self.numbers = numbers
  }

  /// Adds a row, of as many texts as there are headings.
  mutating func add(_ row: [String]) { rows.append(row) }

  /// The lines, each ended.
  var text: String {
    let widths = rows[0].indices.map { column in rows.map { TextTable.clean($0[column]).count }.max() ?? 0 }
    return rows.map { row in
      var line = ""
      for (column, value) in row.enumerated() {
        let value = TextTable.clean(value)
        let blanks = String(repeating: " ", count: widths[column] - value.count)
        line += numbers.contains(column) ? blanks + value : value + blanks
        if column < row.count - 1 { line += "  " }
      }
      while line.last == " " { line.removeLast() }
      return line + "\n"
    }.joined()
  }

  /// A text without what would move a terminal's cursor.
  private static func clean(_ text: String) -> String {
    String(
      String.UnicodeScalarView(
        text.unicodeScalars.map { $0.value < 0x20 || (0x7F..<0xA0).contains($0.value) ? "?" : $0 }))
  }
}
