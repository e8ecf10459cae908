/// Finds the word that was probably meant.
public enum Suggestion {
  /// The longest word that is compared; longer ones are never slips of a finger.
  private static let longest = 64

  /// The first of the nearest `candidates` to `word`, when at most 2 edits and a third of the word lie between.
  ///
  /// An edit adds, drops or changes a character, or swaps two neighbours.
  public static func nearest(to word: String, among candidates: some Sequence<String>) -> String? {
    let typed = Array(word.utf8)
    guard typed.count <= longest else { return nil }
    var bound = min(2, typed.count / 3)
    var best: String?
    for candidate in candidates where bound > 0 {
      let other = candidate.utf8
      guard abs(other.count - typed.count) <= bound, candidate != word else { continue }
      let distance = distance(typed, Array(other))
      if distance <= bound {
        best = candidate
        bound = distance - 1
      }
    }
    return best
  }

  /// `did you mean 'X'?` with the nearest of `candidates`, if one is near.
  public static func text(for word: String, among candidates: some Sequence<String>) -> String? {
    nearest(to: word, among: candidates).map { "did you mean '\($0)'?" }
  }

  /// How many edits lie between two words (optimal string alignment).
  static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
    var beforeLast = [Int](repeating: 0, count: b.count + 1)
    var last = Array(0...b.count)
    var row = last
    for i in a.indices {
      row[0] = i + 1
      for j in b.indices {
        let change = last[j] + (a[i] == b[j] ? 0 : 1)
        row[j + 1] = min(change, last[j + 1] + 1, row[j] + 1)
        if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { row[j + 1] = min(row[j + 1], beforeLast[j - 1] + 1) }
      }
      (beforeLast, last, row) = (last, row, beforeLast)
    }
    return last[b.count]
  }
}
