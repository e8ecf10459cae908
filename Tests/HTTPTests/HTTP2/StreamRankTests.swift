import HTTP
import Testing

struct StreamRankTests {
  private func rank(_ text: String) -> StreamRank {
    let bytes = PaddedBytes(text)
    return StreamRank(priority: bytes.base, bytes.count)
  }

  @Test(arguments: [
    ("u=0", 0, false), ("u=7", 7, false), ("u=5, i", 5, true), ("i,u=1", 1, true), ("i=?1", 3, true),
    ("u=2, i=?0", 2, false), ("u=1,u=4", 4, false), ("u=6;x=y , i;z", 6, true), ("", 3, false), (" ,, u=2 ,", 2, false),
  ]) func read(text: String, urgency: UInt8, isInTurn: Bool) {
    #expect(rank(text).rawValue / 2 == urgency && rank(text).isInTurn == isInTurn)
  }

  @Test(arguments: [
    "u=8", "u=-1", "u", "u=", "u=10", "U=1", "u= 1", "ui=1", "i=1", "i=?2", "incremental", "\u{1}", "u=\"1\"",
  ])
  func nonsense(text: String) {
    #expect(rank(text).rawValue == 6)
  }

  @Test func unsaidSharesInTurn() {
    #expect(StreamRank.unsaid.isInTurn && StreamRank.unsaid.rawValue / 2 == 3)
    #expect(StreamRank(rawValue: 255).rawValue == 15)
  }
}
