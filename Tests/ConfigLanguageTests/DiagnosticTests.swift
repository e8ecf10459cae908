import ConfigLanguage
import Testing

@Suite struct DiagnosticTests {
  private func shown(_ line: String, start: Int, count: Int, suggestion: String? = nil) -> String {
    let source = SourceFile(name: "p", bytes: Array(("\n" + line + "\nend").utf8))
    let range = SourceRange(file: 0, start: start + 1, count: count)
    return Diagnostic(.error, "bad", in: source, at: range, suggestion: suggestion).text
  }

  @Test func theContractsLook() {
    let text = String(repeating: "\n", count: 21) + "  bakend 10.2.0.12:8080\n"
    let source = SourceFile(name: "proxy.conf", bytes: Array(text.utf8))
    let diagnostic = Diagnostic(
      .error, "'bakend' is not a directive of 'shard'", in: source, at: SourceRange(file: 0, start: 23, count: 6),
      suggestion: "did you mean 'backend'?")
    #expect(
      diagnostic.text == """
        proxy.conf:22:3: error: 'bakend' is not a directive of 'shard'
         22 |   bakend 10.2.0.12:8080
            |   ^~~~~~ did you mean 'backend'?
        """)
  }

  @Test func caretsStandUnderCharacters() {
    #expect(shown("üü xy", start: 5, count: 2) == "p:2:4: error: bad\n 2 | üü xy\n   |    ^~")
    #expect(shown("\tx", start: 1, count: 1) == "p:2:2: error: bad\n 2 | \tx\n   | \t^")
    #expect(shown("x", start: 1, count: 0) == "p:2:2: error: bad\n 2 | x\n   |  ^")
    #expect(shown("x y", start: 2, count: 100).hasSuffix("|   ^"))
  }

  @Test func nothingReachesATerminal() {
    let text = shown("a\u{1B}[31mb\u{7F}\u{202E}c", start: 0, count: 1)
    #expect(
      text.unicodeScalars.allSatisfy { $0 == "\n" || ($0.value >= 0x20 && $0.value != 0x7F && $0.value != 0x202E) })
  }

  @Test func longLinesAreCutAroundThePlace() {
    let line = String(repeating: "word ", count: 200_000) + "HERE" + String(repeating: " more", count: 1_000)
    let text = shown(line, start: 1_000_000, count: 4)
    #expect(text.utf8.count < 600)
    let lines = text.split(separator: "\n")
    let caret = lines[2].prefix { $0 != "^" }.count
    #expect(lines[1].dropFirst(caret).hasPrefix("HERE"))
    #expect(text.hasPrefix("p:2:1000001:"))
  }

  @Test func theFirstTwentyPlacesAreKept() {
    let collector = DiagnosticCollector()
    var sources = SourceSet()
    _ = sources.add(SourceFile(name: "p", bytes: [UInt8](repeating: 0x0A, count: 5_000)))
    for step in 0..<5_000 {
      let place = (step * 2_741 + 13) % 5_000
      collector.error("at \(place)", at: SourceRange(file: 0, start: place, count: 1))
    }
    let report = collector.report(in: sources)
    #expect(report.errorCount == 5_000)
    #expect(report.diagnostics.map(\.message) == (0..<20).map { "at \($0)" })
    #expect(report.text.hasSuffix("5000 errors, the first 20 of them shown\n"))
  }

  @Test func oneMistakeSaidTwiceIsOne() {
    let collector = DiagnosticCollector()
    var sources = SourceSet()
    _ = sources.add(SourceFile(name: "p", bytes: Array("word".utf8)))
    for _ in 0..<1_000 { collector.error("bad", at: SourceRange(file: 0, start: 0, count: 4)) }
    collector.error("worse", at: SourceRange(file: 0, start: 0, count: 4))
    let report = collector.report(in: sources)
    #expect(report.diagnostics.map(\.message) == ["bad", "worse"])
    #expect(report.errorCount == 2)
  }

  @Test func json() {
    let collector = DiagnosticCollector()
    var sources = SourceSet()
    _ = sources.add(SourceFile(name: "p", bytes: Array("a \"b\"".utf8)))
    collector.error("no \"good\"\u{1}", at: SourceRange(file: 0, start: 2, count: 3), suggestion: "c")
    collector.error("gone", file: "q")
    #expect(
      collector.report(in: sources).json == #"{"errors":2,"diagnostics":["#
        + #"{"severity":"error","file":"q","message":"gone"},"#
        + #"{"severity":"error","file":"p","line":1,"column":3,"message":"no \"good\"\u0001","suggestion":"c","#
        + #""source":"a \"b\""}]}"#)
  }

  @Test func warningsAreShownWhenNothingIsWrong() {
    let collector = DiagnosticCollector()
    var sources = SourceSet()
    _ = sources.add(SourceFile(name: "p", bytes: Array("a".utf8)))
    collector.warn("hm", at: SourceRange(file: 0, start: 0, count: 1))
    #expect(collector.report(in: sources).text == "p:1:1: warning: hm\n 1 | a\n   | ^\n")
    for number in 0..<1_000 { collector.warn("hm \(number)", at: SourceRange(file: 0, start: 0, count: 1)) }
    let report = collector.report(in: sources)
    #expect(report.diagnostics.count == DiagnosticCollector.shown && report.warningCount == 1_001)
    #expect(report.text.hasSuffix("\n1001 warnings, the first 20 of them shown\n"))
    #expect(report.json.hasPrefix(#"{"errors":0,"warnings":1001,"diagnostics":["#))
    collector.error("bad", at: SourceRange(file: 0, start: 0, count: 1))
    #expect(collector.report(in: sources).diagnostics.map(\.message) == ["bad"])
  }
}
