import HTTP
import Platform
import Primitives

extension Worker where N: ~Copyable {
  /// Gives an exchange a stream to its backend, on a connection that is there or on a new one.
  mutating func openStream(_ id: Int32, _ backend: Int32) -> OpenOutcome {
    var slot = poolHeads[Int(backend)]
    let tenant = exchanges[id].pointee.tenant
    let isDedicated = view.hasDedicatedPools && isDedicated(backend)
    while slot >= 0 {
      let next = connections[slot].pointee.poolNext
      if let session = connections[slot].pointee.http2 {
        let open = session.pointee.machine.streamCount + Int(session.pointee.waiters)
        let isOurs = !isDedicated || connections[slot].pointee.tenant == tenant
        if isOurs, session.pointee.machine.canOpen(afterOthers: open) { return attachStream(id, slot) }
      } else {
        // It was pooled while its shard was spoken to in HTTP/1.1.
        unlinkPooled(slot)
        closeConnection(slot, resetting: false)
      }
      slot = next
    }
    return connectForStreams(id, backend)
  }

  private mutating func connectForStreams(_ id: Int32, _ backend: Int32) -> OpenOutcome {
    let slot = connections.insert(Connection(socket: -1, role: .upstream, phase: .connecting))
    guard slot >= 0 else { return .exhausted }
    let connection = connections[slot]
    connection.pointee.backend = backend
    connection.pointee.tenant = exchanges[id].pointee.tenant
    let outcome = network.connect(to: backend, token: connections.handle(slot))
    guard case .opened(let socket) = outcome else {
      connections.remove(slot)
      return outcome
    }
    connection.pointee.socket = socket
    startHTTP2(slot, as: .client)
    connection.pointee.http2!.pointee.isPooled = true
    linkPooled(slot)
    setDeadline(slot, network.now.advanced(by: view.timeouts.connect))
    return attachStream(id, slot)
  }

  /// Gives an exchange a slot for its stream; the stream is opened when the request is sent.
  private mutating func attachStream(_ id: Int32, _ parent: Int32) -> OpenOutcome {
    let slot = connections.insert(Connection(socket: Connection.noSocket, role: .upstream, phase: .connecting))
    guard slot >= 0 else { return .exhausted }
    let stream = connections[slot]
    let session = connections[parent].pointee.http2!
    stream.pointee.flags = .isStream
    stream.pointee.parent = parent
    stream.pointee.backend = connections[parent].pointee.backend
    exchanges[id].pointee.phase = .connecting
    attach(id, slot)
    guard connections[parent].pointee.phase == .connecting || awaitsSettings(id, session) else {
      sendKept(id)
      return .opened(slot)
    }
    if connections[parent].pointee.phase != .connecting {
      setDeadline(slot, network.now.advanced(by: view.timeouts.connect))
    }
    let last = session.pointee.lastWaiting
    if last >= 0 { connections[last].pointee.poolNext = slot } else { session.pointee.firstWaiting = slot }
    session.pointee.lastWaiting = slot
    session.pointee.waiters += 1
    return .opened(slot)
  }

  /// A connection for streams came to its end of connecting, one way or the other.
  mutating func backendConnected(_ slot: Int32) {
    let connection = connections[slot]
    let socket = connection.pointee.socket
    guard network.isConnected(socket), !network.isSecure(socket) || network.hasAgreedOnHTTP2(socket) else {
      if network.isConnected(socket) { noteHandshakeFailure(slot, TLSFailure(.agreement)) }
      return streamsCannotConnect(slot)
    }
    noteConnectSuccess(connection.pointee.backend)
    connection.pointee.phase = .waiting
    setDeadline(slot, network.now.advanced(by: view.timeouts.keepAlive))
    openWaiting(slot)
    // What gathered before it was connected goes out at the end of the turn, requests or not.
    if connection.pointee.http2 != nil { _ = frameRoom(slot, 1) }
  }

  /// Opens the streams of requests that waited for a connection; those of tunnels once its SETTINGS are known.
  mutating func openWaiting(_ slot: Int32) {
    let connection = connections[slot]
    while connection.pointee.socket >= 0, let session = connection.pointee.http2 {
      var stream = session.pointee.firstWaiting
      while stream >= 0, awaitsSettings(connections[stream].pointee.exchange, session) {
        setDeadline(stream, network.now.advanced(by: view.timeouts.connect))
        stream = connections[stream].pointee.poolNext
      }
      guard stream >= 0 else { return }
      unlinkWaiting(stream, session)
      let id = connections[stream].pointee.exchange
      exchanges[id].pointee.connected = network.now
      sendKept(id)
      guard exchanges[id].pointee.upstream == stream, connections[stream].pointee.exchange == id else { continue }
      // What opens a tunnel has nothing to upload, and frames may lie where it would be received.
      if !exchanges[id].pointee.flags.contains(.wantsUpgrade) { continueUpload(exchanges[id].pointee.client) }
    }
  }

  /// Whether an exchange opens a tunnel, and it is not known yet whether its backend takes any (RFC 8441 §3).
  private func awaitsSettings(_ id: Int32, _ session: UnsafeMutablePointer<HTTP2Session>) -> Bool {
    exchanges[id].pointee.flags.contains(.wantsUpgrade) && !session.pointee.machine.hasSettings
  }

  /// Has those that wait for the SETTINGS of a connection tried elsewhere.
  private mutating func dismissWaiting(_ slot: Int32) {
    while let session = connections[slot].pointee.http2, session.pointee.firstWaiting >= 0 {
      streamFailed(session.pointee.firstWaiting, wasRefused: true)
    }
  }

  /// A backend does not accept a connection: nothing of the requests that waited for it has reached it.
  private mutating func streamsCannotConnect(_ slot: Int32) {
    let backend = connections[slot].pointee.backend
    unpool(slot)
    noteConnectFailure(backend)
    while let session = connections[slot].pointee.http2, session.pointee.firstWaiting >= 0 {
      let id = connections[session.pointee.firstWaiting].pointee.exchange
      dropUpstream(id)
      if exchanges[id].pointee.flags.contains(.isWatched) { noteFailure(exchanges[id]) }
      avoid(backend, exchanges[id])
      openUpstream(id)
    }
    closeConnection(slot, resetting: true)
  }

  /// Takes a connection out of its pool: no stream is opened on it any more.
  private mutating func unpool(_ slot: Int32) {
    guard let session = connections[slot].pointee.http2, session.pointee.isPooled else { return }
    session.pointee.isPooled = false
    unlinkPooled(slot)
  }

  /// Lets a connection that was taken out of its pool end with its last stream.
  mutating func retireBackend(_ slot: Int32) {
    connections[slot].pointee.http2!.pointee.isPooled = false
    backendIsIdle(slot)
  }

  /// Closes a connection without streams, now if it is not pooled, later if it is.
  private mutating func backendIsIdle(_ slot: Int32) {
    let session = connections[slot].pointee.http2!
    guard session.pointee.machine.streamCount == 0, session.pointee.waiters == 0 else { return }
    guard !session.pointee.isPooled else {
      return setDeadline(slot, network.now.advanced(by: view.timeouts.keepAlive))
    }
    connections[slot].pointee.flags.insert(.closesAfterOutput)
    _ = frameRoom(slot, 1)
  }

  /// A connection to a backend is lost: its streams are tried elsewhere where that can do no harm. Answers that have come
  /// in whole are still passed on, however slowly their clients take them.
  mutating func loseBackend(_ slot: Int32) {
    guard connections[slot].pointee.socket >= 0, let session = connections[slot].pointee.http2 else { return }
    if connections[slot].pointee.phase == .connecting { return streamsCannotConnect(slot) }
    unpool(slot)
    pushFrames(slot)
    var isAwaited = false
    for place in 0..<session.pointee.machine.placeCount {
      let stream = session.pointee.machine.stream(place)
      guard stream.pointee.id != 0, stream.pointee.owner >= 0 else { continue }
      let isTunnel = connections[stream.pointee.owner].pointee.phase == .tunnel
      if stream.pointee.hasEnded, !stream.pointee.isReset, !isTunnel {
        isAwaited = true
        continue
      }
      // One that worked before and was closed meanwhile says nothing against its backend.
      if connections[slot].pointee.flags.contains(.isReused) {
        connections[stream.pointee.owner].pointee.flags.insert(.isReused)
      }
      streamFailed(stream.pointee.owner, wasRefused: stream.pointee.id > session.pointee.machine.lastStream)
    }
    dismissWaiting(slot)
    if isAwaited { muteBackend(slot) } else { closeConnection(slot, resetting: false) }
  }

  /// Keeps a lost connection for the streams that are still passed on: nothing is received on it any more, and nothing
  /// waits to be sent. It is closed with the last of them.
  private mutating func muteBackend(_ slot: Int32) {
    let connection = connections[slot]
    connection.pointee.flags.insert(.ended)
    connection.pointee.flags.remove([.readable, .blocked])
    buffers.giveBack(&connection.pointee.input)
    buffers.giveBack(&connection.pointee.output)
    setDeadline(slot, .distantFuture)
  }

  /// The backend takes no further streams here; those it has not looked at are tried elsewhere.
  mutating func backendGoesAway(_ slot: Int32) {
    let session = connections[slot].pointee.http2!
    unpool(slot)
    for place in 0..<session.pointee.machine.placeCount {
      let stream = session.pointee.machine.stream(place)
      guard stream.pointee.id > session.pointee.machine.lastStream, stream.pointee.owner >= 0 else { continue }
      connections[stream.pointee.owner].pointee.flags.insert(.isReused)
      streamFailed(stream.pointee.owner, wasRefused: true)
    }
    dismissWaiting(slot)
    backendIsIdle(slot)
  }

  /// A stream broke off. One that was refused has not reached any application: its request may be sent again if it is
  /// kept in whole.
  mutating func streamFailed(_ slot: Int32, wasRefused: Bool) {
    let id = connections[slot].pointee.exchange
    guard id >= 0 else { return closeConnection(slot, resetting: true) }
    let exchange = exchanges[id]
    let isKept = Int64(exchange.pointee.keptBody.count) == exchange.pointee.request.received
    if wasRefused, isKept { exchange.pointee.flags.remove(.isSent) }
    if wasRefused, !isKept { exchange.pointee.flags.remove(.isReplayable) }
    upstreamFailed(slot)
  }

  /// Parts a stream to a backend from its connection.
  mutating func leaveBackend(_ slot: Int32) {
    let stream = connections[slot]
    let parent = stream.pointee.parent
    guard let session = connections[parent].pointee.http2 else { return }
    if awaitsEnd(slot) { session.pointee.lateEnds -= 1 }
    if stream.pointee.place < 0 {
      unlinkWaiting(slot, session)
    } else {
      if stream.pointee.output.isAllocated { session.pointee.waiting -= 1 }
      let record = session.pointee.machine.stream(stream.pointee.place)
      if !record.pointee.hasEnded || !record.pointee.hasSentEnd {
        session.pointee.machine.reset(stream.pointee.place, .cancel)
      }
      session.pointee.machine.release(stream.pointee.place)
      connections[parent].pointee.flags.insert(.isReused)
      takeOutbox(parent)
    }
    backendIsIdle(parent)
  }

  private func unlinkWaiting(_ slot: Int32, _ session: UnsafeMutablePointer<HTTP2Session>) {
    var (before, current) = (Int32(-1), session.pointee.firstWaiting)
    while current >= 0, current != slot { (before, current) = (current, connections[current].pointee.poolNext) }
    // One whose request is being sent waits no more.
    guard current >= 0 else { return }
    let next = connections[slot].pointee.poolNext
    if before >= 0 { connections[before].pointee.poolNext = next } else { session.pointee.firstWaiting = next }
    if next < 0 { session.pointee.lastWaiting = before }
    connections[slot].pointee.poolNext = -1
    session.pointee.waiters -= 1
  }

  /// A connection to a backend is due: it did not accept in time, takes nothing, or is not used.
  mutating func backendIsDue(_ slot: Int32) {
    let connection = connections[slot]
    let session = connection.pointee.http2!
    if connection.pointee.phase == .connecting { return streamsCannotConnect(slot) }
    if connection.pointee.flags.contains(.blocked) { return loseBackend(slot) }
    guard session.pointee.machine.streamCount == 0, session.pointee.waiters == 0 else {
      return setDeadline(slot, .distantFuture)
    }
    unpool(slot)
    closeConnection(slot, resetting: false)
  }
}
