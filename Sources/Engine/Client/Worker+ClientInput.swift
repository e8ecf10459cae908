import HTTP
import Primitives

extension Worker where N: ~Copyable {
  /// Something happened to a client's socket.
  mutating func clientEvent(_ slot: Int32, _ kinds: NetworkEventKinds) {
    let connection = connections[slot]
    if kinds.contains(.broken), connection.pointee.phase != .tunnel, connection.pointee.phase != .lingering {
      return abandonClient(slot)
    }
    if kinds.contains(.writable), connection.pointee.flags.contains(.blocked) {
      flushClient(slot)
      guard connection.pointee.socket >= 0 else { return }
    }
    if connection.pointee.flags.contains(.readable) { readClient(slot) }
  }

  /// Takes up what was left: pipelined requests in memory, then what can be received.
  mutating func continueClient(_ slot: Int32) {
    let connection = connections[slot]
    guard connection.pointee.flags.isDisjoint(with: .notHTTP1) else { return readHTTP2(slot) }
    if connection.pointee.input.isAllocated, connection.pointee.phase != .waiting {
      useInput(slot)
      guard connection.pointee.socket >= 0 else { return }
    }
    if connection.pointee.flags.contains(.readable) { readClient(slot) }
  }

  /// Receives from a client as long as there is something and it is wanted.
  mutating func readClient(_ slot: Int32) {
    let connection = connections[slot]
    guard connection.pointee.flags.isDisjoint(with: .notHTTP1) else { return readHTTP2(slot) }
    var receives = 0
    while connection.pointee.socket >= 0, connection.pointee.flags.contains(.readable) {
      guard receives < Limit.receivesInTurn else { return makeReady(slot) }
      receives += 1
      switch connection.pointee.phase {
      case .idle, .head, .trailers:
        guard !connection.pointee.output.isAllocated else { return }
        receiveHead(slot)
      case .body:
        guard canForwardBody(slot), !awaitsBandwidth(slot, connection.pointee.exchange) else { return }
        receiveBody(slot)
      case .tunnel:
        guard canForwardBody(slot), !awaitsBandwidth(slot, connection.pointee.exchange) else { return }
        receiveTunnel(slot)
      case .waiting: return watchForAbort(slot)
      case .lingering: discard(slot)
      case .connecting:
        guard takeOpened(slot) else { return }
        if connection.pointee.flags.contains(.isHTTP2) { return readHTTP2(slot) }
      }
    }
  }

  /// Receives at most `capacity` bytes into `memory`: how many came, 0 for none now, -1 for the end, -2 for a failure.
  @inline(__always)
  mutating func receive(_ slot: Int32, _ memory: UnsafeMutablePointer<UInt8>, _ capacity: Int) -> Int {
    let connection = connections[slot]
    if connection.pointee.flags.contains(.ended) {
      connection.pointee.flags.remove(.readable)
      return -1
    }
    switch network.receive(connection.pointee.socket, into: memory, capacity: capacity) {
    case .bytes(let count):
      if count < capacity {
        // A short receive means drained; with the peer's end already told, the end is next and need not be asked for.
        if connection.pointee.flags.contains(.peerEnded) {
          connection.pointee.flags.insert(.ended)
        } else if !connection.pointee.flags.contains(.isBroken) {
          connection.pointee.flags.remove(.readable)
        }
      }
      return count
    case .piece(let count): return count
    case .wouldBlock:
      connection.pointee.flags.remove(.readable)
      return 0
    case .end:
      connection.pointee.flags.insert(.ended)
      connection.pointee.flags.remove(.readable)
      return -1
    case .failed:
      connection.pointee.flags.remove(.readable)
      return -2
    }
  }

  /// Receives part of a head, or of a trailer section, behind what there is of it.
  private mutating func receiveHead(_ slot: Int32) {
    let connection = connections[slot]
    guard connection.pointee.input.isAllocated else {
      let data = scratch + Limit.headroom
      let count = receive(slot, data, Limit.headRead)
      guard count > 0 else { return headEnded(slot, count) }
      noteFirstByte(slot)
      let used = takeInput(slot, data, count)
      guard connection.pointee.socket >= 0, used < count else { return }
      if !buffers.append(data + used, count - used, to: &connection.pointee.input) { abandonClient(slot) }
      return
    }
    makeInputRoom(slot)
    let room = min(connection.pointee.input.room, Limit.headRead)
    let count = room == 0 ? -2 : receive(slot, connection.pointee.input.free, room)
    guard count > 0 else { return headEnded(slot, count) }
    noteFirstByte(slot)
    connection.pointee.input.end += Int32(count)
    useInput(slot)
  }

  @inline(__always)
  private mutating func noteFirstByte(_ slot: Int32) {
    let connection = connections[slot]
    guard connection.pointee.phase == .idle else { return }
    connection.pointee.headStarted = network.now
  }

  /// The client sent no more while a head was awaited.
  private mutating func headEnded(_ slot: Int32, _ count: Int) {
    guard count < 0 else { return }
    if connections[slot].pointee.exchange >= 0 { return abandonClient(slot) }
    closeClient(slot, resetting: false)
  }

  /// Moves what waits to the front of its buffer, or to a larger one, when there is little room behind it.
  private mutating func makeInputRoom(_ slot: Int32) {
    let connection = connections[slot]
    guard connection.pointee.input.room < 1024 else { return }
    let input = connection.pointee.input
    if input.start > 0 {
      input.memory!.update(from: input.first, count: input.count)
      connection.pointee.input.start = 0
      connection.pointee.input.end = Int32(input.count)
    } else {
      _ = growInput(slot)
    }
  }

  /// Moves what waits to a buffer of the next size; false when there is none.
  mutating func growInput(_ slot: Int32) -> Bool {
    let connection = connections[slot]
    let input = connection.pointee.input
    var larger = buffers.take(BufferPool.capacity(input.size) + 1)
    guard larger.size > input.size else {
      buffers.giveBack(&larger)
      return false
    }
    larger.memory!.update(from: input.first, count: input.count)
    larger.end = Int32(input.count)
    buffers.giveBack(&connection.pointee.input)
    connection.pointee.input = larger
    return true
  }

  /// Uses what waits in memory.
  private mutating func useInput(_ slot: Int32) {
    let connection = connections[slot]
    let input = connection.pointee.input
    let used = takeInput(slot, input.first, input.count)
    guard connection.pointee.socket >= 0 else { return }
    connection.pointee.input.start += Int32(used)
    if connection.pointee.input.count == 0 { buffers.giveBack(&connection.pointee.input) }
  }

  /// Takes requests, bodies and trailers out of `count` bytes that a client sent; returns how many were used.
  ///
  /// The rest is part of a head or belongs to requests that must wait; the caller keeps it.
  mutating func takeInput(_ slot: Int32, _ base: UnsafeMutablePointer<UInt8>, _ count: Int) -> Int {
    let connection = connections[slot]
    var used = 0
    var requests = 0
    while used < count, connection.pointee.socket >= 0 {
      switch connection.pointee.phase {
      case .idle, .head:
        guard requests < Limit.requestsInTurn else {
          makeReady(slot)
          return used
        }
        requests += 1
        let taken = takeHead(slot, base + used, count - used)
        if taken == 0 { return used }
        used += taken
      case .body:
        if exchanges[connection.pointee.exchange].pointee.phase == .held { return used }
        let taken = takeBody(slot, base + used, count - used)
        used += taken
        if taken == 0 { return used }
      case .trailers:
        let taken = takeTrailers(slot, base + used, count - used)
        if taken == 0 { return used }
        used += taken
      case .tunnel:
        if connection.pointee.exchange >= 0 { forwardTunnel(slot, base + used, count - used) }
        return count
      case .lingering: return count
      case .waiting, .connecting: return used
      }
    }
    return used
  }

  /// Takes a request head, if it is in whole: bytes used, its body's first bytes included, 0 when more must come.
  private mutating func takeHead(_ slot: Int32, _ base: UnsafeMutablePointer<UInt8>, _ count: Int) -> Int {
    let connection = connections[slot]
    if connection.pointee.phase == .head {
      // Part of it was seen before: look only at what is new until its end is in, or none can come. Why it can't is for
      // the parser to say, so that the answer is the same whatever the pieces.
      let outcome = connection.pointee.scan.advance(base, count, sizeBound: view.bounds.headerSize)
      if outcome == .incomplete { return 0 }
    }
    let outcome = parser.parseRequest(
      base, count, sizeBound: view.bounds.headerSize, countBound: view.bounds.headerCount)
    switch outcome {
    case .complete:
      connection.pointee.phase = .waiting
      return startExchange(slot, base, count)
    case .incomplete:
      if connection.pointee.phase == .idle {
        connection.pointee.phase = .head
        connection.pointee.scan = HeadScan()
        _ = connection.pointee.scan.advance(base, count, sizeBound: view.bounds.headerSize)
        setDeadline(slot, connection.pointee.headStarted.advanced(by: view.timeouts.header))
      }
      return 0
    default:
      return refuseHead(slot, outcome, base, count)
    }
  }

  /// Answers a head that can't be served, and takes nothing more from this client.
  private mutating func refuseHead(
    _ slot: Int32, _ outcome: HeadOutcome, _ base: UnsafeMutablePointer<UInt8>, _ count: Int
  ) -> Int {
    let code: RefusalCode =
      switch outcome {
      case .targetTooLong: .targetTooLong
      case .tooLarge: .headTooLarge
      default: .badRequest
      }
    refuseUnread(slot, code, received: count)
    return count
  }

  /// A client that has nothing to say for now ended its half: it may only want the answer, or may have gone.
  private mutating func watchForAbort(_ slot: Int32) {
    let connection = connections[slot]
    let isKnown = connection.pointee.flags.contains(.isProbed)
    guard connection.pointee.flags.contains(.peerEnded), !isKnown, connection.pointee.exchange >= 0 else { return }
    // An answer under way finds out by itself, and has a deadline of its own.
    guard !exchanges[connection.pointee.exchange].pointee.flags.contains(.isAnswered),
      !connection.pointee.output.isAllocated
    else { return }
    // One that is gone is to leave its queue at once.
    switch exchanges[connection.pointee.exchange].pointee.phase {
    case .queued, .held: return probeClient(slot)
    default: break
    }
    setDeadline(slot, network.now.advanced(by: Limit.abortProbe))
  }

  /// Drops what a client sends after its answer.
  private mutating func discard(_ slot: Int32) {
    let connection = connections[slot]
    let count = receive(slot, scratch + Limit.headroom, Limit.scratch)
    connection.pointee.window &-= Int32(max(0, count))
    if count < 0 || connection.pointee.window < 0 { return closeClient(slot, resetting: false) }
    let end = connection.pointee.headStarted.advanced(by: Limit.lingerWhole)
    setDeadline(slot, min(end, network.now.advanced(by: Limit.linger)))
  }
}
