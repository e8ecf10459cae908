import Testing

@testable import Engine

@Suite struct SlabTests {
  @Test func staleHandlesAreRecognised() {
    var slab = Slab<Int>(capacity: 4)
    let first = slab.insert(10)
    let handle = slab.handle(first)
    #expect(slab.slot(of: handle) == first)
    slab.remove(first)
    #expect(slab.slot(of: handle) == -1)
    let second = slab.insert(20)
    #expect(second == first)
    #expect(slab.slot(of: handle) == -1)
    #expect(slab.slot(of: slab.handle(second)) == second)
    #expect(slab.slot(of: .max) == -1)
  }

  @Test func isBounded() {
    var slab = Slab<Int>(capacity: 2)
    #expect(slab.insert(1) == 0)
    #expect(slab.insert(2) == 1)
    #expect(slab.insert(3) == -1)
    slab.remove(0)
    #expect(slab.insert(3) == 0)
    #expect(slab.count == 2)
  }
}
