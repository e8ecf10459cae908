/// Lines of words that stand in no file.
public enum WordLines {
  /// The words of each line of `bytes`, which are those of file number `file`; there are no variables to fill in.
  public static func read(_ bytes: [UInt8], file: Int, diagnostics: DiagnosticCollector) -> [[Word]] {
    var lexer = Lexer(bytes, file: file, environment: [:], diagnostics: diagnostics)
    var lines: [[Word]] = []
    while let words = lexer.nextLine() { lines.append(words) }
    return lines
  }
}
