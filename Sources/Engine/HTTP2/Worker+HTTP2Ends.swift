import HTTP
import Primitives

extension Worker where N: ~Copyable {
  /// The exchange of a stream has ended: the stream ends with it, or once its answer has been taken.
  mutating func streamFinished(_ slot: Int32, _ fate: ClientFate) {
    let connection = connections[slot]
    if fate == .reset {
      resetStream(slot, .internalError)
      return closeStream(slot)
    }
    connection.pointee.phase = .waiting
    endStreamOutput(slot)
    if !connection.pointee.output.isAllocated { closeStream(slot) }
  }

  /// Resets a stream, unless that was done.
  mutating func resetStream(_ slot: Int32, _ code: HTTP2ErrorCode) {
    let (parent, place) = streamPlace(slot)
    connections[parent].pointee.http2!.pointee.machine.reset(place, code)
    takeOutbox(parent)
  }

  /// Gives a stream's slot back; its exchange must have ended.
  mutating func closeStream(_ slot: Int32) {
    let connection = connections[slot]
    guard connection.pointee.socket >= 0 else { return }
    assert(connection.pointee.exchange < 0, "a stream closed under its exchange")
    let (parent, place) = streamPlace(slot)
    let session = connections[parent].pointee.http2!
    if connection.pointee.output.isAllocated { session.pointee.waiting -= 1 }
    session.pointee.machine.release(place)
    takeOutbox(parent)
    closeConnection(slot, resetting: false)
    guard session.pointee.machine.streamCount == 0 else { return }
    setActive(parent, false)
    restartIdling(parent)
    closeIfDrained(parent)
  }

  /// Ends all streams of a connection that goes away.
  mutating func abandonStreams(_ slot: Int32) {
    let session = connections[slot].pointee.http2!
    for place in 0..<session.pointee.machine.placeCount {
      let stream = session.pointee.machine.stream(place)
      if stream.pointee.id != 0, stream.pointee.owner >= 0 { abandonClient(stream.pointee.owner) }
    }
  }

  /// The peer is gone, or must go at once.
  mutating func loseHTTP2(_ slot: Int32) {
    if connections[slot].pointee.role == .client { return abandonClient(slot) }
    loseBackend(slot)
  }

  /// What the end of a connection or stream takes with it.
  mutating func endHTTP2(_ slot: Int32) {
    let flags = connections[slot].pointee.flags
    if flags.contains(.isHTTP2) { freeHTTP2(slot) }
    if flags.contains(.isStream), connections[slot].pointee.role == .upstream { leaveBackend(slot) }
  }

  /// A peer broke the rules, or did too much of something: what waits to be sent tells it.
  mutating func failHTTP2(_ slot: Int32) {
    let connection = connections[slot]
    let session = connection.pointee.http2!
    if connection.pointee.role == .upstream { return loseBackend(slot) }
    if let flood = session.pointee.machine.flood { mine[WorkerPlace.floods + flood.rawValue].add() }
    abandonStreams(slot)
    takeOutbox(slot)
    connection.pointee.flags.insert(.closesAfterOutput)
  }

  /// Leaves HTTP/2 behind once the last frame is sent, and parts from the client.
  mutating func leaveHTTP2(_ slot: Int32) {
    abandonStreams(slot)
    freeHTTP2(slot)
    buffers.giveBack(&connections[slot].pointee.output)
    partFrom(slot)
  }

  /// A connection's deadline when nothing in particular is awaited of it.
  mutating func restartIdling(_ slot: Int32) {
    let connection = connections[slot]
    let session = connection.pointee.http2!
    guard !session.pointee.isPartial, !connection.pointee.flags.contains(.blocked) else { return }
    let isIdle = session.pointee.machine.streamCount == 0
    setDeadline(slot, isIdle ? network.now.advanced(by: view.timeouts.keepAlive) : .distantFuture)
  }

  /// Tells a client that its connection ends: streams on their way are still served.
  mutating func startShutdown(_ slot: Int32) {
    connections[slot].pointee.http2!.pointee.machine.startShutdown()
    takeOutbox(slot)
    setDeadline(slot, network.now.advanced(by: Limit.shutdownWait))
  }

  /// Closes a connection that takes no further streams and has none.
  mutating func closeIfDrained(_ slot: Int32) {
    let session = connections[slot].pointee.http2!
    guard session.pointee.machine.isShutDown, session.pointee.machine.streamCount == 0 else { return }
    connections[slot].pointee.flags.insert(.closesAfterOutput)
    // Closing is for the end of the turn, with or without frames to send.
    _ = frameRoom(slot, 1)
  }

  /// A connection is due: idle for too long, or within a frame, or not taking what is sent.
  mutating func connectionIsDue(_ slot: Int32) {
    let connection = connections[slot]
    let session = connection.pointee.http2!
    if connection.pointee.flags.contains(.blocked) || connection.pointee.flags.contains(.closesAfterOutput) {
      return abandonClient(slot)
    }
    if session.pointee.isPartial {
      mine[WorkerPlace.refused + Int(RefusalCode.requestTimeout.rawValue)].add()
      recordUnread(slot, .requestTimeout, received: connection.pointee.input.count)
    }
    session.pointee.machine.finishShutdown()
    takeOutbox(slot)
    if session.pointee.isPartial { abandonStreams(slot) }
    closeIfDrained(slot)
    if !connection.pointee.flags.contains(.closesAfterOutput) { setDeadline(slot, .distantFuture) }
  }

  /// A stream's answer was not taken for too long. When it is the whole connection's window that stays shut, the
  /// connection ends with it.
  mutating func streamStalls(_ slot: Int32) {
    let parent = connections[slot].pointee.parent
    let session = connections[parent].pointee.http2!
    if session.pointee.machine.isWindowShut {
      session.pointee.machine.failForStall()
      return failHTTP2(parent)
    }
    mine[WorkerPlace.floods + FloodKind.stall.rawValue].add()
    resetStream(slot, .enhanceYourCalm)
    abandonClient(slot)
  }
}
