import HTTP
import Primitives

extension Worker where N: ~Copyable {
  /// Room for `count` bytes of frames in a connection's output; `nil` when it holds too much already.
  mutating func frameRoom(_ slot: Int32, _ count: Int) -> UnsafeMutablePointer<UInt8>? {
    let connection = connections[slot]
    let session = connection.pointee.http2!
    let output = connection.pointee.output
    if output.room < count, output.start > 0 {
      output.memory!.update(from: output.first, count: output.count)
      connection.pointee.output.start = 0
      connection.pointee.output.end = Int32(output.count)
    }
    if !session.pointee.isFramed {
      session.pointee.isFramed = true
      framed.append(connections.handle(slot))
    }
    guard !session.pointee.isOverrun, buffers.makeRoom(count, in: &connection.pointee.output) else {
      session.pointee.isOverrun = true
      return nil
    }
    return connection.pointee.output.free
  }

  /// Takes the short frames that a machine has made.
  @inline(__always)
  mutating func takeOutbox(_ slot: Int32) {
    let session = connections[slot].pointee.http2!
    let count = session.pointee.machine.outboxCount
    guard count > 0 else { return }
    if let place = frameRoom(slot, count) {
      place.update(from: session.pointee.machine.outbox, count: count)
      connections[slot].pointee.output.end += Int32(count)
    }
    session.pointee.machine.emptyOutbox()
  }

  /// Sends a piece of a stream's answer as far as windows and the connection allow, and keeps the rest.
  mutating func sendStreamData(_ slot: Int32, _ bytes: UnsafePointer<UInt8>, _ count: Int, endsStream: Bool) {
    let connection = connections[slot]
    var sent = 0
    if !connection.pointee.output.isAllocated {
      sent = frameData(slot, bytes, count, endsStream: endsStream)
      if sent == count { return }
      waitForWindow(slot)
    }
    if !buffers.append(bytes + sent, count - sent, to: &connection.pointee.output) {
      connections[connection.pointee.parent].pointee.http2!.pointee.isOverrun = true
    }
  }

  /// Frames as much of `count` bytes as can be sent now; returns how many bytes that is.
  private mutating func frameData(
    _ slot: Int32, _ bytes: UnsafePointer<UInt8>, _ count: Int, endsStream: Bool
  ) -> Int {
    let (parent, place) = (connections[slot].pointee.parent, connections[slot].pointee.place)
    let session = connections[parent].pointee.http2!
    var sent = 0
    while true {
      let allowed = session.pointee.machine.allowance(of: place)
      let length = min(count - sent, allowed, FrameHeader.leastMaximumPayload)
      guard length > 0 || count == 0, canFrame(parent) else { return sent }
      let isLast = endsStream && sent + length == count
      guard length > 0 || isLast else { return sent }
      guard let room = frameRoom(parent, FrameHeader.count + length) else { return sent }
      session.pointee.machine.frameData(of: place, length, endsStream: isLast, at: room)
      (room + FrameHeader.count).update(from: bytes + sent, count: length)
      connections[parent].pointee.output.end += Int32(FrameHeader.count + length)
      sent += length
      if sent == count { return sent }
    }
  }

  /// Whether a connection's output has room for DATA; what gathered there is sent first if there is much of it.
  private mutating func canFrame(_ slot: Int32) -> Bool {
    let connection = connections[slot]
    if connection.pointee.output.count < Limit.framesInSend { return !connection.pointee.flags.contains(.blocked) }
    pushFrames(slot)
    return connection.pointee.output.count < Limit.framesInSend && !connection.pointee.flags.contains(.blocked)
  }

  /// A stream's answer waits from now on, and its backend is read in smaller pieces.
  private mutating func waitForWindow(_ slot: Int32) {
    let connection = connections[slot]
    connections[connection.pointee.parent].pointee.http2!.pointee.waiting += 1
    connection.pointee.progress = 0
    setDeadline(slot, network.now.advanced(by: view.timeouts.bodyIdle))
  }

  /// Sends an empty end of a stream, if its end was not sent yet and nothing waits before it.
  mutating func endStreamOutput(_ slot: Int32) {
    let connection = connections[slot]
    guard !connection.pointee.output.isAllocated else {
      connection.pointee.flags.insert(.closesAfterOutput)
      return
    }
    let session = connections[connection.pointee.parent].pointee.http2!
    guard !session.pointee.machine.stream(connection.pointee.place).pointee.hasSentEnd else { return }
    if connection.pointee.flags.contains(.hasTrailers) { return sendKeptTrailers(slot) }
    guard let room = frameRoom(connection.pointee.parent, FrameHeader.count) else { return }
    session.pointee.machine.frameData(of: connection.pointee.place, 0, endsStream: true, at: room)
    connections[connection.pointee.parent].pointee.output.end += Int32(FrameHeader.count)
  }

  /// Sends what waits of a stream's answer; goes on with its backend, or ends it, when nothing is left.
  mutating func sendWaiting(_ slot: Int32) {
    let connection = connections[slot]
    let output = connection.pointee.output
    guard output.isAllocated else { return }
    let isLast =
      connection.pointee.flags.contains(.closesAfterOutput) && !connection.pointee.flags.contains(.hasTrailers)
    let sent = frameData(slot, output.first, output.count, endsStream: isLast)
    guard sent > 0 else { return }
    connection.pointee.output.start += Int32(sent)
    guard sent == output.count else {
      connection.pointee.progress += Int32(sent)
      guard connection.pointee.progress >= Limit.streamProgress else { return }
      connection.pointee.progress = 0
      return setDeadline(slot, network.now.advanced(by: view.timeouts.bodyIdle))
    }
    buffers.giveBack(&connection.pointee.output)
    connections[connection.pointee.parent].pointee.http2!.pointee.waiting -= 1
    streamIsDrained(slot)
  }

  private mutating func streamIsDrained(_ slot: Int32) {
    let connection = connections[slot]
    let id = connection.pointee.exchange
    if connection.pointee.role == .upstream { return backendStreamIsDrained(slot) }
    guard id >= 0 else {
      endStreamOutput(slot)
      return closeStream(slot)
    }
    setDeadline(slot, .distantFuture)
    if connection.pointee.phase == .tunnel, connection.pointee.flags.contains(.closesAfterOutput) {
      endStreamOutput(slot)
      return endTunnelIfOver(id)
    }
    resumeBackend(of: slot)
  }

  /// Has the backend of a stream read again, in the next turn: this one may be reading already.
  private mutating func resumeBackend(of slot: Int32) {
    let id = connections[slot].pointee.exchange
    guard id >= 0, exchanges[id].pointee.upstream >= 0 else { return }
    let upstream = exchanges[id].pointee.upstream
    if connections[upstream].pointee.flags.contains(.readable) { makeReady(upstream) }
  }

  /// Whether a stream can take more of its answer; if so, how much its backend is read at a time.
  mutating func canSendToStream(_ upstream: Int32, _ slot: Int32) -> Bool {
    let parent = connections[slot].pointee.parent
    let session = connections[parent].pointee.http2!
    let allowed = session.pointee.machine.allowance(of: connections[slot].pointee.place)
    let connection = connections[upstream]
    connection.pointee.window = min(connection.pointee.window, Int32(max(Limit.headRead, min(allowed, Limit.scratch))))
    // Heads need no window.
    guard connection.pointee.phase == .body || connection.pointee.phase == .tunnel else { return true }
    if allowed > 0, !connections[parent].pointee.flags.contains(.blocked) { return true }
    session.pointee.hasPaused = true
    return false
  }

  /// More may be sent than before, on one stream or, at place -1, on all.
  mutating func windowOpened(_ slot: Int32, _ place: Int32) {
    guard place >= 0 else { return serveStreams(slot) }
    let stream = connections[slot].pointee.http2!.pointee.machine.stream(place).pointee.owner
    guard stream >= 0 else { return }
    if connections[stream].pointee.output.isAllocated {
      sendWaiting(stream)
    } else if connections[slot].pointee.role == .client {
      resumeBackend(of: stream)
    }
  }

  /// Lets the streams whose answers wait send in turn, a frame or so each time, and paused ones go on.
  mutating func serveStreams(_ slot: Int32) {
    let session = connections[slot].pointee.http2!
    guard session.pointee.waiting > 0 || session.pointee.hasPaused else { return }
    let hasPaused = session.pointee.hasPaused
    session.pointee.hasPaused = false
    guard session.pointee.machine.hasRanks else { return serveStreams(slot, session, hasPaused, rank: nil) }
    var ranks: UInt16 = 0
    for place in 0..<session.pointee.machine.placeCount {
      let stream = session.pointee.machine.stream(place)
      if stream.pointee.id != 0 { ranks |= 1 << UInt16(stream.pointee.rank.rawValue) }
    }
    while ranks != 0 {
      serveStreams(slot, session, hasPaused, rank: StreamRank(rawValue: UInt8(ranks.trailingZeroBitCount)))
      ranks &= ranks &- 1
    }
  }

  /// Serves the streams of a rank, or all: those of one that are to be sent whole from the first place on, others from
  /// the one whose turn it is.
  private mutating func serveStreams(
    _ slot: Int32, _ session: UnsafeMutablePointer<HTTP2Session>, _ hasPaused: Bool, rank: StreamRank?
  ) {
    let places = session.pointee.machine.placeCount
    let first = rank?.isInTurn == false ? 0 : session.pointee.nextPlace
    for step in 0..<places {
      let place = (first + step) % places
      let stream = session.pointee.machine.stream(place)
      guard stream.pointee.id != 0, stream.pointee.owner >= 0 else { continue }
      if let rank, stream.pointee.rank != rank { continue }
      if connections[stream.pointee.owner].pointee.output.isAllocated {
        session.pointee.nextPlace = place + 1
        sendWaiting(stream.pointee.owner)
      } else if hasPaused {
        resumeBackend(of: stream.pointee.owner)
      }
    }
  }

  /// Sends what has gathered; what becomes of a broken connection is for the end of the turn.
  mutating func pushFrames(_ slot: Int32) {
    let connection = connections[slot]
    guard !connection.pointee.flags.contains(.blocked), connection.pointee.output.isAllocated else { return }
    guard connection.pointee.phase != .connecting else { return }
    // Room may have been taken for nothing but to be looked at here.
    guard connection.pointee.output.count > 0 else { return buffers.giveBack(&connection.pointee.output) }
    var isBroken = false
    _ = flush(slot, isBroken: &isBroken)
    if isBroken { connection.pointee.http2!.pointee.isOverrun = true }
    if connection.pointee.flags.contains(.blocked) {
      setDeadline(slot, network.now.advanced(by: view.timeouts.bodyIdle))
    }
  }

  /// Sends the frames that gathered in this turn, one call for each connection.
  mutating func sendFrames() {
    var index = 0
    while index < framed.count {
      let slot = connections.slot(of: framed[index])
      index += 1
      guard slot >= 0, let session = connections[slot].pointee.http2 else { continue }
      session.pointee.isFramed = false
      if connections[slot].pointee.flags.contains(.blocked), !session.pointee.isOverrun { continue }
      pushFrames(slot)
      framesWereSent(slot)
    }
    framed.removeAll(keepingCapacity: true)
  }

  /// The peer takes more again.
  mutating func flushFrames(_ slot: Int32) {
    connections[slot].pointee.flags.remove(.blocked)
    pushFrames(slot)
    guard !connections[slot].pointee.flags.contains(.blocked) else { return }
    if connections[slot].pointee.role == .client { restartIdling(slot) }
    framesWereSent(slot)
  }

  private mutating func framesWereSent(_ slot: Int32) {
    let connection = connections[slot]
    guard let session = connection.pointee.http2 else { return }
    if session.pointee.isOverrun { return loseHTTP2(slot) }
    guard !connection.pointee.flags.contains(.blocked) else { return }
    if connection.pointee.flags.contains(.closesAfterOutput), !connection.pointee.output.isAllocated {
      return connection.pointee.role == .client ? leaveHTTP2(slot) : loseHTTP2(slot)
    }
    serveStreams(slot)
    if connection.pointee.input.isAllocated { makeReady(slot) }
  }
}
