import Glibc
import Platform
import Testing

@Suite struct MessageChannelTests {
  @Test func messagesKeepTheirBoundsAndBringDescriptors() throws {
    let (one, other) = try MessageChannel.pair()
    var pipe: [Int32] = [-1, -1]
    #expect(Glibc.pipe(&pipe) == 0)
    try one.send([1, 2, 3], [pipe[1]])
    try one.send([4])
    guard case .message([1, 2, 3], let descriptors) = other.receive(milliseconds: 5_000) else {
      Issue.record("the first message is another")
      return
    }
    #expect(descriptors.count == 1 && descriptors[0] != pipe[1])
    #expect(fcntl(descriptors[0], F_GETFD) == FD_CLOEXEC)
    #expect(write(descriptors[0], "x", 1) == 1)
    var byte: UInt8 = 0
    #expect(read(pipe[0], &byte, 1) == 1 && byte == UInt8(ascii: "x"))
    #expect(other.receive(milliseconds: 5_000) == .message([4], []))
    #expect(other.receive(milliseconds: 0) == .nothing)
    for descriptor in pipe + descriptors { close(descriptor) }
  }

  @Test func theLargestFitsAndNoLarger() throws {
    let (one, other) = try MessageChannel.pair()
    let largest = [UInt8](repeating: 7, count: MessageChannel.mostBytes)
    let many = [Int32](repeating: 0, count: MessageChannel.mostDescriptors)
    try one.send(largest, many)
    guard case .message(largest, let descriptors) = other.receive(milliseconds: 5_000) else {
      Issue.record("the largest message does not come")
      return
    }
    #expect(descriptors.count == many.count)
    for descriptor in descriptors { close(descriptor) }
    #expect(throws: SystemError.self) { try one.send(largest + [1]) }
    #expect(throws: SystemError.self) { try one.send([1], many + [0]) }
  }

  @Test func theEndIsTold() throws {
    var (one, other): (MessageChannel?, MessageChannel) = try MessageChannel.pair()
    try one?.send([1])
    one = nil
    #expect(other.receive(milliseconds: 5_000) == .message([1], []))
    #expect(other.receive(milliseconds: 5_000) == .ended)
    #expect(throws: SystemError.self) { try other.send([1]) }
  }
}
