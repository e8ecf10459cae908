import Testing

@testable import Configuration

@Suite struct FilePatternTests {
  @Test(arguments: [
    ("*", "", true), ("*", "abc", true), ("*.conf", "a.conf", true), ("*.conf", ".conf", true),
    ("*.conf", "a.con", false),
    ("a*b*c", "aXbYc", true), ("a*b*c", "aXbY", false), ("a?c", "abc", true), ("a?c", "ac", false), ("", "", true),
    ("", "a", false), ("[a-c]x", "bx", true), ("[a-c]x", "dx", false), ("[!a-c]x", "dx", true),
    ("[!a-c]x", "ax", false),
    ("[]]", "]", true), ("[ab", "[ab", true), ("[a-]", "-", true), ("a", "A", false), ("**a", "bba", true),
  ])
  func matches(_ pattern: String, _ name: String, _ isMatch: Bool) {
    #expect(FilePattern.matches(Array(pattern.utf8), Array(name.utf8)) == isMatch)
  }

  @Test(.timeLimit(.minutes(1))) func manyStarsEnd() {
    let pattern = Array(String(repeating: "*a", count: 100).utf8)
    #expect(!FilePattern.matches(pattern, [UInt8](repeating: 0x61, count: 99)))
    #expect(FilePattern.matches(pattern, [UInt8](repeating: 0x61, count: 100)))
  }
}
