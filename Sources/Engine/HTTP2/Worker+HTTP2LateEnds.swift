import HTTP
import Primitives

extension Worker where N: ~Copyable {
  /// A response is through, and its exchange has parted from its stream. A backend may still have to say that the stream
  /// ends, in a frame of its own: it is given a moment to, rather than told that its answer is of no use.
  mutating func endBackendStream(_ slot: Int32) {
    let connection = connections[slot]
    guard connection.pointee.place >= 0,
      let session = connections[connection.pointee.parent].pointee.http2,
      session.pointee.machine.stream(connection.pointee.place).pointee.lacksEnd,
      session.pointee.hasRoomForLateEnd
    else { return closeConnection(slot, resetting: false) }
    session.pointee.lateEnds += 1
    session.pointee.machine.awaitEnd(of: connection.pointee.place)
    takeOutbox(connection.pointee.parent)
    connection.pointee.phase = .lingering
    connection.pointee.flags.remove(.readable)
    buffers.giveBack(&connection.pointee.input)
    setDeadline(slot, network.now.advanced(by: Limit.lateEnd))
  }

  /// Whether nothing but its end is awaited of a stream to a backend.
  @inline(__always)
  func awaitsEnd(_ slot: Int32) -> Bool { slot >= 0 && connections[slot].pointee.phase == .lingering }

  /// Takes what comes for a stream of which nothing but its end is awaited: whatever it is, the stream is done with, and
  /// reset unless it was its end.
  mutating func takeLateEnd(_ event: HTTP2Event, _ slot: Int32) {
    if event.kind == .windowOpened { return }
    closeConnection(slot, resetting: false)
  }
}

extension HTTP2Session {
  /// Whether one stream more may wait for its end: not so many that requests would lack streams.
  var hasRoomForLateEnd: Bool {
    Int64(lateEnds) < min(Int64(Limit.lateEnds), machine.peer.maxConcurrentStreams / 4)
  }
}
