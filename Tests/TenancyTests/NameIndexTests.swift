import Testing

@testable import Tenancy

@Suite struct NameIndexTests {
  /// A hash whose upper half is good, as that of names.
  private func hash(_ number: Int) -> UInt64 {
    let product = UInt64(number &+ 1).multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
    return (product.high ^ product.low) &* 0xA076_1D64_78BD_642F
  }

  private func has(_ index: borrowing NameIndex, _ number: Int) -> Bool {
    index.find(hash(number)) { $0 == Int32(number) } == Int32(number)
  }

  @Test(arguments: [0, 1, 11, 12, 13, 3_000, 3_100, 100_000])
  func whatIsInIsFoundAndNothingElse(_ count: Int) {
    var index = NameIndex()
    for number in 0..<count { index.insert(hash(number), Int32(number)) }
    holds(index.count == count)
    holds((0..<count).allSatisfy { has(index, $0) })
    holds(!(count..<count + 1_000).contains { has(index, $0) })
  }

  @Test func whatIsTakenOutIsGoneAndTheOthersStay() {
    var index = NameIndex()
    let count = 20_000
    for number in 0..<count { index.insert(hash(number), Int32(number)) }
    for number in stride(from: 0, to: count, by: 3) { holds(index.remove(hash(number), Int32(number))) }
    holds(!index.remove(hash(0), 0) && !index.remove(hash(1), 7))
    holds((0..<count).allSatisfy { has(index, $0) == ($0 % 3 != 0) })
    holds(index.count == count - (count + 2) / 3)
  }

  /// Names of one key: all start at one slot of one bucket, which can't be split apart.
  @Test func namesOfOneKeyAreAllFound() {
    var index = NameIndex()
    for number in 0..<5_000 as Range<Int32> { index.insert(0xABCD_1234_0000_0000, number) }
    for number in stride(from: 0, to: 5_000, by: 97) as StrideTo<Int32> {
      holds(index.find(0xABCD_1234_0000_0000) { $0 == number } == number)
      holds(index.remove(0xABCD_1234_0000_0000, number))
      holds(index.find(0xABCD_1234_0000_0000) { $0 == number } == -1)
    }
  }

  @Test func aNameIsGivenAnotherNumber() {
    var index = NameIndex()
    for number in 0..<100 { index.insert(hash(number), Int32(number)) }
    index.renumber(hash(50), 50, to: 1_000)
    holds(index.find(hash(50)) { _ in true } == 1_000)
    holds(index.count == 100)
  }

  /// Inserts and removals in copies of copies: each version answers as its own set does.
  @Test func versionsAreApart() {
    var random = SystemRandomNumberGenerator()
    var index = NameIndex()
    var model: Set<Int> = []
    for number in 0..<9_000 {
      index.insert(hash(number), Int32(number))
      model.insert(number)
    }
    for _ in 0..<40 {
      let old = index.copy()
      let oldModel = model
      for _ in 0..<500 {
        let number = Int.random(in: 0..<20_000, using: &random)
        if model.remove(number) != nil {
          holds(index.remove(hash(number), Int32(number)))
        } else {
          index.insert(hash(number), Int32(number))
          model.insert(number)
        }
      }
      holds(old.count == oldModel.count && index.count == model.count)
      holds((0..<20_000).allSatisfy { has(old, $0) == oldModel.contains($0) })
      holds((0..<20_000).allSatisfy { has(index, $0) == model.contains($0) })
    }
  }
}
