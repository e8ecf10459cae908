import Testing

@testable import Tenancy

@Suite struct NameTextTests {
  private func add(_ name: String, to text: inout NameText) -> UInt32 {
    var name = name
    return name.withUTF8 { text.add($0.baseAddress!, $0.count) }!
  }

  private func name(_ address: UInt32, _ count: Int, in text: borrowing NameText) -> String {
    String(decoding: UnsafeBufferPointer(start: text.bytes(at: address), count: count), as: UTF8.self)
  }

  @Test func namesOfEveryLengthAreKept() {
    var text = NameText()
    let names = (0..<2_000).map { number in
      String(repeating: Character(Unicode.Scalar(UInt8(97 + number % 26))), count: 1 + number % 255)
    }
    let addresses = names.map { add($0, to: &text) }
    for (place, known) in names.enumerated() { holds(name(addresses[place], known.utf8.count, in: text) == known) }
  }

  @Test func equalityLooksAtEachByte() {
    var text = NameText()
    let address = add("shop.example.com", to: &text)
    var same = "shop.example.com"
    var other = "shop.example.con"
    holds(same.withUTF8 { text.equals(address, $0.baseAddress!, $0.count) })
    holds(!other.withUTF8 { text.equals(address, $0.baseAddress!, $0.count) })
  }

  /// Edits without end need no more room than what is there at once.
  @Test func roomIsGivenAgain() {
    var text = NameText()
    var held = (0..<1_000).map { (add("name-\($0)", to: &text), "name-\($0)".utf8.count) }
    let extent = text.extent
    for round in 0..<50_000 {
      let (address, count) = held.removeFirst()
      text.remove(address, count)
      let name = "name-\(round % 1_000)"
      held.append((add(name, to: &text), name.utf8.count))
    }
    holds(text.extent <= extent + 64 && text.used <= extent)
  }

  @Test func aCopyKeepsWhatTheOriginalGaveAway() {
    var text = NameText()
    let address = add("first-name", to: &text)
    let old = text.copy()
    text.remove(address, 10)
    holds(add("other-name", to: &text) == address)
    holds(name(address, 10, in: old) == "first-name" && name(address, 10, in: text) == "other-name")
  }
}
