import ConfigLanguage
import Testing

@Suite struct ParserTests {
  @Test(arguments: [
    ("", ""), ("\n\n", ""), ("# a", ""), ("a", "a"), ("a b c", "a b c"), ("a # b", "a"), ("a#b", "a#b"),
    ("a\tb\r\nc\r\n", "a b; c"), ("a\rb", "broken"), ("a \"b c\" d", "a b c d"), ("a \"\\\"\\\\\"", "a \"\\"),
    ("a \"\"", "a "), ("a {\nb\n}\nc", "a [b]; c"), ("a {\nb {\nc d\n}\n}\n", "a [b [c d]]"), ("a {\n}", "a []"),
    ("a \"{\"", "a {"), ("a \"}\"", "a }"), ("a b{c}d", "a b{c}d"), ("a {b", "a {b"), ("a $b", "a $b"),
    ("  a\n    b  \n", "a; b"), ("a \"# b\"", "a # b"), ("größe ü", "größe ü"),
  ])
  func shapes(_ text: String, _ shape: String) {
    let sample = Sample(text)
    if shape == "broken" {
      #expect(!sample.errors.isEmpty)
    } else {
      #expect(sample.shape == shape)
      #expect(sample.errors == [])
    }
  }

  @Test func variablesBecomePartOfAWord() {
    let sample = Sample(
      "a ${X}:${Y} \"${X} ${X}\" ${Z}", environment: ["X": "one", "Y": "two words {", "Z": "{"])
    #expect(sample.shape == "a one:two words { one one {")
    #expect(sample.errors == [])
  }

  @Test func includedFilesStandWhereTheyAreNamed() {
    let sample = Sample(
      "a\nb {\n  include d/*.inc\n}\nc",
      files: ["d/1.inc": "x\n", "d/2.inc": "y {\n  include 3.sub\n}", "d/3.sub": "z"])
    #expect(sample.shape == "a; b [x; y [z]]; c")
    #expect(sample.errors == [])
    #expect(sample.sources.files.map(\.name) == ["main.conf", "d/1.inc", "d/2.inc", "d/3.sub"])
  }

  @Test func aChainOfIncludesIsBounded() {
    var files: [String: String] = [:]
    for number in 0..<40 { files["\(number).inc"] = "include \(number + 1).inc" }
    #expect(Sample("include 0.inc", files: files).errors == ["1:9 more than 16 files include each other"])
  }

  @Test func nestingIsBoundedAndCostsNothing() {
    let deep = String(repeating: "a {\n", count: 50_000)
    #expect(Sample(deep + String(repeating: "}\n", count: 50_000)).errors == ["17:3 blocks are nested deeper than 16"])
    #expect(Sample(deep).diagnostics.errorCount == 17)
  }

  @Test func wordsAreBounded() {
    let long = String(repeating: "x", count: 20_000)
    #expect(Sample("a \(long)").errors == ["1:3 a word may have 16384 bytes, this one has 20000"])
    let many = String(repeating: "x ", count: 5_000)
    #expect(Sample(many).errors == ["1:8193 a line may have 4096 words"])
    #expect(Sample("a ${X}${X}", environment: ["X": String(repeating: "y", count: 9_000)]).errors.count == 1)
  }

  @Test(arguments: [
    "}", "a {", "{\n}", "a { b\n}", "a { b }", "a }", "a {\n} b", "\"", "a \"b", "a\"b\"", "\"a\"b", "a \"\\n\"",
    "a{\n}", "};",
    "${", "${}", "${A-B}", "${NOT_SET}", "include", "include a b", "include nothing", "include main.conf",
  ])
  func refused(_ text: String) { #expect(Sample(text).diagnostics.errorCount == 1) }

  @Test func anyBytesAreAnswered() {
    var state: UInt64 = 42
    func next(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
    let pieces: [[UInt8]] = [
      [0x0A], [0x20], [0x7B], [0x7D], [0x22], [0x5C], [0x24, 0x7B], [0x23], [0xFF], [0x00], [0x0D], [0xC3, 0xBC],
      Array("include main.conf".utf8), Array("shard ".utf8), Array("a".utf8), Array("${A}".utf8),
    ]
    for _ in 0..<3_000 {
      let bytes = (0..<next(40)).flatMap { _ in pieces[next(pieces.count)] }
      let sample = Sample(bytes, environment: ["A": "b c"])
      #expect(sample.errors.isEmpty == sample.diagnostics.isClean)
    }
  }

  @Test(
    .timeLimit(.minutes(1)), arguments: ["a ", "a{\n", "} ", "\"", "a {\n", "\\", "${", "x\"", "\n", "wrong 1\n", "{ "])
  func timeIsLinear(_ piece: String) {
    let bytes = Array(String(repeating: piece, count: 300_000 / piece.utf8.count).utf8)
    _ = Sample(bytes).errors
  }
}
