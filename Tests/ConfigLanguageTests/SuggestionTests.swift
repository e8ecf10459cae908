import ConfigLanguage
import Testing

@Suite struct SuggestionTests {
  @Test(
    arguments: [
      ("bakend", "backend"), ("backned", "backend"), ("bckend", "backend"), ("bkend", nil), ("backendss", "backend"),
      ("Backend", "backend"),
      ("balanc", "balance"), ("blance", "balance"), ("poll", "pool"), ("poo", "pool"), ("po", nil), ("pxyl", nil),
      ("pool", nil), ("frobnicate", nil), ("", nil), ("backendxyz", nil),
    ] as [(String, String?)])
  func nearest(_ word: String, _ meant: String?) {
    #expect(Suggestion.nearest(to: word, among: ["backend", "balance", "pool"]) == meant)
  }

  @Test func theNearestWinsThenTheFirst() {
    #expect(Suggestion.nearest(to: "silver1", among: ["silber1", "silver", "silver2"]) == "silber1")
    #expect(Suggestion.nearest(to: "silverr", among: ["sliverr2", "silver"]) == "silver")
  }

  @Test func longWordsAreNotCompared() {
    let word = String(repeating: "x", count: 5_000)
    #expect(Suggestion.nearest(to: word, among: [word + "y"]) == nil)
  }
}
