import HTTP
import Primitives

extension Worker where N: ~Copyable {
  /// A client has connected where more than HTTP/1.1 is spoken.
  mutating func expectHTTP2(_ slot: Int32, _ protocols: ListenerProtocols) {
    let connection = connections[slot]
    guard connection.pointee.socket >= 0, !connection.pointee.flags.contains(.isSurplus) else { return }
    // What goes before the first byte is awaited first: a handshake may agree on something.
    let isOpen = connection.pointee.phase != .connecting
    if protocols == .http2, isOpen {
      startHTTP2(slot)
    } else {
      connections[slot].pointee.flags.insert(.choosesProtocol)
    }
  }

  /// From now on a connection speaks HTTP/2; what a client has sent so far is still to be read.
  mutating func startHTTP2(_ slot: Int32, as role: HTTP2Connection.Role = .server) {
    let session = UnsafeMutablePointer<HTTP2Session>.allocate(capacity: 1)
    session.initialize(to: HTTP2Session(role, view.http2))
    connections[slot].pointee.http2 = session
    connections[slot].pointee.flags.remove(.choosesProtocol)
    connections[slot].pointee.flags.insert(.isHTTP2)
    takeOutbox(slot)
  }

  /// Frees what a connection kept for HTTP/2.
  mutating func freeHTTP2(_ slot: Int32) {
    guard let session = connections[slot].pointee.http2 else { return }
    session.deinitialize(count: 1)
    session.deallocate()
    connections[slot].pointee.http2 = nil
    connections[slot].pointee.flags.remove(.isHTTP2)
  }

  /// Receives from a peer that speaks HTTP/2, or may; or takes up what waits of a stream.
  mutating func readHTTP2(_ slot: Int32) {
    let flags = connections[slot].pointee.flags
    if flags.contains(.isStream) {
      return connections[slot].pointee.role == .client ? readStream(slot) : readBackendStream(slot)
    }
    if flags.contains(.isHTTP2) { return receiveFrames(slot) }
    guard connections[slot].pointee.phase == .connecting else { return chooseProtocol(slot) }
    if takeOpened(slot) { readClient(slot) }
  }

  /// Looks at the first bytes of a client: whether they begin the preface of HTTP/2.
  private mutating func chooseProtocol(_ slot: Int32) {
    let connection = connections[slot]
    let preface = HTTP2Connection.preface
    let whole = preface.utf8CodeUnitCount
    var bytes = connection.pointee.input
    if !bytes.isAllocated { bytes = buffers.take(whole) }
    let count = receive(slot, bytes.free, whole - bytes.count)
    if count > 0 { bytes.end += Int32(count) }
    connection.pointee.input = bytes
    guard count >= 0 else { return closeClient(slot, resetting: false) }
    if bytes.count == count { connection.pointee.headStarted = network.now }
    for index in 0..<bytes.count where bytes.first[index] != preface.utf8Start[index] { return startHTTP1(slot) }
    guard bytes.count < whole else {
      startHTTP2(slot)
      return receiveFrames(slot)
    }
    if bytes.count == 0 { buffers.giveBack(&connection.pointee.input) }
    let limit = bytes.count == 0 ? view.timeouts.keepAlive : view.timeouts.header
    setDeadline(slot, connection.pointee.headStarted.advanced(by: limit))
    if connection.pointee.flags.contains(.readable) { makeReady(slot) }
  }

  /// It is HTTP/1.1: what came is the beginning of a head.
  private mutating func startHTTP1(_ slot: Int32) {
    connections[slot].pointee.flags.remove(.choosesProtocol)
    connections[slot].pointee.headStarted = network.now
    continueClient(slot)
  }

  /// Receives frames and takes what is whole.
  private mutating func receiveFrames(_ slot: Int32) {
    let connection = connections[slot]
    var receives = 0
    while connection.pointee.flags.contains(.isHTTP2), !connection.pointee.flags.contains(.closesAfterOutput) {
      guard connection.pointee.flags.contains(.readable) || connection.pointee.input.isAllocated else { return }
      // A client that takes nothing is not listened to.
      guard connection.pointee.output.count <= Limit.frameBacklog else { return }
      guard receives < Limit.frameReads else { return makeReady(slot) }
      receives += 1
      if !receiveFrame(slot) { return }
    }
  }

  /// Receives once, behind what is left of the last time; whether there may be more.
  private mutating func receiveFrame(_ slot: Int32) -> Bool {
    let connection = connections[slot]
    let data = scratch + Limit.headroom
    let left = connection.pointee.input.count
    if left > 0 { data.update(from: connection.pointee.input.first, count: left) }
    // What is left is a part of a frame, or so much that it is taken first.
    let isWanted = connection.pointee.flags.contains(.readable) && left < Limit.frameRead
    let count = isWanted ? receive(slot, data + left, Limit.frameRead) : 0
    guard count >= 0 else {
      loseHTTP2(slot)
      return false
    }
    buffers.giveBack(&connection.pointee.input)
    let used = takeFrames(slot, data, left + count)
    guard connection.pointee.flags.contains(.isHTTP2) else { return false }
    if used < left + count, !buffers.append(data + used, left + count - used, to: &connection.pointee.input) {
      loseHTTP2(slot)
      return false
    }
    if connection.pointee.role == .client { watchPartial(slot) }
    return count > 0 || used > 0
  }

  /// Gives a frame that has begun the time of a head, from its first byte.
  private mutating func watchPartial(_ slot: Int32) {
    let connection = connections[slot]
    let session = connection.pointee.http2!
    let isPartial = connection.pointee.input.isAllocated || session.pointee.machine.isWithinBlock
    guard isPartial != session.pointee.isPartial else { return }
    session.pointee.isPartial = isPartial
    if isPartial {
      setDeadline(slot, network.now.advanced(by: view.timeouts.header))
    } else {
      restartIdling(slot)
    }
  }

  /// Takes the frames that are whole out of `count` bytes; returns how many were used.
  private mutating func takeFrames(_ slot: Int32, _ base: UnsafeMutablePointer<UInt8>, _ count: Int) -> Int {
    let connection = connections[slot]
    let session = connection.pointee.http2!
    var used = 0
    while true {
      if connection.pointee.output.count > Limit.framesInSend {
        pushFrames(slot)
        if connection.pointee.output.count > Limit.frameBacklog { return used }
      }
      let event = session.pointee.machine.receive(base + used, count - used, at: network.now, text: &headText)
      takeOutbox(slot)
      switch event.kind {
      case .needsMore: return used + event.consumed
      case .failed:
        failHTTP2(slot)
        return count
      default: take(event, slot, base + used)
      }
      used += event.consumed
    }
  }

  /// Acts on what a client's machine told; `bytes` are those the event speaks of.
  private mutating func take(_ event: HTTP2Event, _ slot: Int32, _ bytes: UnsafeMutablePointer<UInt8>) {
    let session = connections[slot].pointee.http2!
    if connections[slot].pointee.role == .upstream { return takeFromBackend(event, slot, bytes) }
    switch event.kind {
    case .request: startStream(slot, event)
    case .malformed: refuseMalformed(slot)
    case .data:
      takeStreamData(
        session.pointee.machine.stream(event.place).pointee.owner, bytes + event.start, event.count,
        ends: event.endsStream)
    case .trailers: takeStreamTrailers(session.pointee.machine.stream(event.place).pointee.owner)
    case .reset: abandonClient(session.pointee.machine.stream(event.place).pointee.owner)
    case .windowOpened: windowOpened(slot, event.place)
    case .shutdownReached: closeIfDrained(slot)
    case .needsMore, .progress, .response, .goAway, .failed: break
    }
  }

  /// A request that is malformed: its stream was reset, and it is one line in the log.
  private mutating func refuseMalformed(_ slot: Int32) {
    mine[WorkerPlace.refused + Int(RefusalCode.badRequest.rawValue)].add()
    connections[slot].pointee.headStarted = network.now
    recordUnread(slot, .badRequest, received: headText.count)
  }
}
