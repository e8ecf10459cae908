import Testing

@testable import Tenancy

@Suite struct SharedMemoryTests {
  private typealias Memory = SharedMemory<UInt64>

  private func contents(_ memory: borrowing Memory) -> [UInt64] { (0..<memory.count).map { memory[$0].pointee } }

  @Test func whatIsAppendedIsReadBack() {
    var memory = Memory()
    let count = Memory.chunk * 5 + 3
    for number in 0..<count { holds(memory.append(UInt64(number)) == number) }
    holds(contents(memory) == (0..<UInt64(count)).map { $0 })
  }

  @Test func aCopyAndItsOriginalDoNotSeeEachOther() {
    var first = Memory()
    for number in 0..<Memory.chunk * 3 { first.append(UInt64(number)) }
    var second = first.copy()
    second.writable(Memory.chunk).pointee = 7
    second.append(8)
    first.writable(0).pointee = 9
    first.append(10)
    holds(first[0].pointee == 9 && second[0].pointee == 0)
    holds(first[Memory.chunk].pointee == UInt64(Memory.chunk) && second[Memory.chunk].pointee == 7)
    holds(first[Memory.chunk * 3].pointee == 10 && second[Memory.chunk * 3].pointee == 8)
  }

  @Test func onlyWrittenChunksAreCopied() {
    var first = Memory()
    for number in 0..<Memory.chunk * 3 { first.append(UInt64(number)) }
    var second = first.copy()
    let place = second[Memory.chunk * 2]
    second.writable(5).pointee = 1
    holds(!second.shares(0, with: first))
    holds(second.shares(Memory.chunk, with: first) && second.shares(Memory.chunk * 2, with: first))
    holds(second[Memory.chunk * 2] == place)
  }

  @Test func aChunkThatNobodyElseHasIsWrittenInPlace() {
    var first = Memory()
    first.append(1)
    let place = first[0]
    do {
      var second = first.copy()
      second.writable(0).pointee = 2
    }
    first.writable(0).pointee = 3
    holds(first[0] == place && place.pointee == 3)
  }

  @Test func valuesAddedTogetherLieInOneChunk() {
    var memory = Memory()
    for _ in 0..<Memory.chunk - 2 { memory.append(0) }
    holds(memory.extend(by: 3) == Memory.chunk)
    holds(memory.extend(by: 1) == Memory.chunk + 3)
  }

  /// Versions that come and go in any order, each with its own idea of what is in it.
  @Test func versionsKeepWhatTheyHave() {
    var random = SystemRandomNumberGenerator()
    var memory = Memory()
    var model: [UInt64] = []
    for _ in 0..<Memory.chunk * 2 {
      memory.append(0)
      model.append(0)
    }
    for _ in 0..<200 {
      let old = memory.copy()
      let oldModel = model
      var next = memory.copy()
      for _ in 0..<Int.random(in: 0..<20, using: &random) {
        let place = Int.random(in: 0..<model.count, using: &random)
        model[place] = UInt64.random(in: .min ... .max, using: &random)
        next.writable(place).pointee = model[place]
      }
      next.append(1)
      model.append(1)
      holds(contents(old) == oldModel && contents(next) == model)
      memory = next
    }
  }
}
