import Testing

@testable import Engine

@Suite struct BufferPoolTests {
  @Test func growsWithoutMovingOffsets() {
    var pool = BufferPool()
    var buffer = Buffer()
    let bytes = [UInt8](0..<250)
    for _ in 0..<40 { #expect(bytes.withUnsafeBufferPointer { pool.append($0.baseAddress!, 250, to: &buffer) }) }
    buffer.start = 100
    for _ in 0..<200 { #expect(bytes.withUnsafeBufferPointer { pool.append($0.baseAddress!, 250, to: &buffer) }) }
    #expect(buffer.start == 100)
    #expect(buffer.end == 60_000)
    for place in 0..<Int(buffer.end) where buffer.memory![place] != UInt8(place % 250) {
      Issue.record("byte \(place) changed")
      break
    }
    pool.giveBack(&buffer)
    #expect(pool.lentBytes == 0)
    #expect(!buffer.isAllocated)
  }

  @Test func refusesMoreThanTheLargest() {
    var pool = BufferPool()
    var buffer = Buffer()
    let bytes = [UInt8](repeating: 1, count: 1 << 19)
    #expect(bytes.withUnsafeBufferPointer { pool.append($0.baseAddress!, 1 << 19, to: &buffer) })
    #expect(bytes.withUnsafeBufferPointer { pool.append($0.baseAddress!, 1 << 19, to: &buffer) })
    #expect(bytes.withUnsafeBufferPointer { !pool.append($0.baseAddress!, 1, to: &buffer) })
    #expect(buffer.count == 1 << 20)
    pool.giveBack(&buffer)
  }
}
