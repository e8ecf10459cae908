import CLinux

/// One end of a pair of sockets between two processes: whole messages of bounded size, and descriptors with them.
public final class MessageChannel: Sendable {
  /// Bytes of a message at most.
  public static let mostBytes = 64 << 10
  /// Descriptors that come with one message at most.
  public static let mostDescriptors = Int(LINUX_MOST_DESCRIPTORS)
  /// Seconds that a message may wait for room.
  private static let sendPatience: Int32 = 10

  /// What a wait for a message has brought.
  public enum Arrival: Sendable, Equatable {
    /// A message, and what came with it.
    case message([UInt8], [Int32])
    /// Nothing so far.
    case nothing
    /// The other side is gone, or says what can't be taken.
    case ended
  }

  /// The socket.
  public let descriptor: Int32

  /// The end that `descriptor` is, which is closed with it.
  public init(descriptor: Int32) {
    self.descriptor = descriptor
    linux_set_send_patience(descriptor, MessageChannel.sendPatience)
  }

  deinit { _ = close(descriptor) }

  /// Both ends of a new pair; no child inherits either.
  public static func pair() throws(SystemError) -> (MessageChannel, MessageChannel) {
    var pair: [Int32] = [-1, -1]
    guard linux_message_pair(&pair) == 0 else { throw SystemError("socketpair") }
    return (MessageChannel(descriptor: pair[0]), MessageChannel(descriptor: pair[1]))
  }

  /// Sends a message, with copies of these descriptors.
  public func send(_ bytes: [UInt8], _ descriptors: [Int32] = []) throws(SystemError) {
    guard bytes.count <= MessageChannel.mostBytes else { throw SystemError("sendmsg", EMSGSIZE) }
    while true {
      let sent = linux_send_message(descriptor, bytes, bytes.count, descriptors, Int32(descriptors.count))
      if sent == bytes.count { return }
      if sent < 0, linux_errno() == EINTR { continue }
      throw SystemError("sendmsg")
    }
  }

  /// Waits for a message, at most `milliseconds`; its descriptors are the caller's.
  public func receive(milliseconds: Int) -> Arrival {
    guard linux_wait_readable(descriptor, Int32(clamping: milliseconds)) > 0 else { return .nothing }
    var bytes = [UInt8](repeating: 0, count: MessageChannel.mostBytes)
    var descriptors = [Int32](repeating: -1, count: MessageChannel.mostDescriptors)
    var count: Int32 = 0
    let got = linux_receive_message(descriptor, &bytes, bytes.count, &descriptors, &count)
    if got < 0, linux_errno() == EINTR { return .nothing }
    guard got > 0 else { return .ended }
    return .message(Array(bytes[..<got]), Array(descriptors[..<Int(count)]))
  }
}
