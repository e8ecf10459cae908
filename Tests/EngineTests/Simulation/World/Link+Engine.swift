import Primitives

@testable import Engine

/// The engine's end of a connection: what the system calls do on Linux.
extension Link {
  func open(_ descriptor: Int32, _ token: UInt64) {
    self.descriptor = descriptor
    self.token = token
    isConnecting = !isFromClient
    phase = .open
  }

  /// Lets a connect come to what `greeting` says.
  func beginConnect(_ greeting: Greeting) {
    let delay = world.weather.wait(&world.random)
    switch greeting {
    case .silence, .refuseAtOnce: break
    case .refuse:
      world.after(delay) { [self] in
        guard phase == .open, !isLost else { return }
        isConnecting = false
        isReset = true
        hasError = true
        raise()
      }
    case .take(let script):
      world.after(delay) { [self] in
        guard phase == .open, !isReset, !isLost else { return }
        isConnecting = false
        self.script = script
        raise()
        wakePeer()
        pump()
      }
    }
  }

  /// What holds now, for an event.
  func told() -> NetworkEventKinds {
    if isConnecting, !isReset { return [] }
    var kinds: NetworkEventKinds = []
    if !toEngine.arrived.isEmpty || toEngine.hasEnded || isReset || hasError { kinds.insert(.readable) }
    if isReset || hasEnded || toPeer.hasAmpleRoom { kinds.insert(.writable) } else { wantsRoom = true }
    if toEngine.hasEnded || isReset { kinds.insert(.peerEnded) }
    if isReset || hasError || hasEnded && toEngine.hasEnded { kinds.insert(.broken) }
    return kinds
  }

  func receive(_ into: UnsafeMutablePointer<UInt8>, _ capacity: Int) -> TransferOutcome {
    if !toEngine.arrived.isEmpty {
      let count = toEngine.arrived.take(into: into, capacity)
      receivedCount += count
      receivedAt = world.now
      if hasEnded { receivedBehindEnd += count }
      world.note("#\(number) received \(count)")
      world.tap(self, .received(Array(UnsafeBufferPointer(start: into, count: count))))
      if toEngine.hasAmpleRoom { wakePeer() }
      pump()
      return .bytes(count)
    }
    if hasError {
      hasError = false
      world.note("#\(number) receive failed")
      return .failed
    }
    if isReset || toEngine.hasEnded {
      world.note("#\(number) received the end")
      return .end
    }
    return .wouldBlock
  }

  func send(
    _ first: UnsafePointer<UInt8>, _ firstCount: Int, _ second: UnsafePointer<UInt8>, _ secondCount: Int
  ) -> TransferOutcome {
    if hasError || isReset || hasEnded {
      hasError = false
      world.note("#\(number) send failed")
      return .failed
    }
    let room = isConnecting ? 0 : toPeer.room
    let count = min(room, firstCount + secondCount)
    if count < firstCount + secondCount { wantsRoom = true }
    guard count > 0 else { return .wouldBlock }
    var bytes = Array(UnsafeBufferPointer(start: first, count: min(count, firstCount)))
    if count > firstCount { bytes += UnsafeBufferPointer(start: second, count: count - firstCount) }
    toPeer.sent.append(bytes)
    sentCount += count
    sentAt = world.now
    world.note("#\(number) sent \(count) of \(firstCount + secondCount)")
    world.tap(self, .sent(bytes))
    pump()
    return .bytes(count)
  }

  func endSending() {
    guard !isReset, !hasEnded, !isConnecting else { return }
    world.note("#\(number) ended sending")
    hasEnded = true
    toPeer.isEnding = true
    // The kernel tells of any change of state, this one included.
    raise()
    pump()
  }

  func close(resetting: Bool) {
    world.note("#\(number) closed\(resetting ? " with a reset" : "")")
    phase = .closed
    closedAt = world.now
    world.tap(self, .closed)
    if isConnecting || isReset { return }
    if resetting || !toEngine.arrived.isEmpty { return resetPeer() }
    toPeer.isEnding = true
    // What is still on its way here will be answered by a reset.
    pump()
  }
}
