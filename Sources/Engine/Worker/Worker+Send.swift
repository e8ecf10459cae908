import Primitives

extension Worker where N: ~Copyable {
  /// Sends bytes on a connection, or keeps what it can't take now; false when the connection is broken.
  mutating func send(_ slot: Int32, _ bytes: UnsafePointer<UInt8>, _ count: Int) -> Bool {
    let connection = connections[slot]
    guard connection.pointee.socket >= 0 else { return false }
    guard count > 0 else { return true }
    if connection.pointee.output.isAllocated { return buffers.append(bytes, count, to: &connection.pointee.output) }
    switch network.send(connection.pointee.socket, bytes, count) {
    case .bytes(let sent):
      if sent == count { return true }
      return hold(slot, bytes + sent, count - sent, sent)
    case .wouldBlock: return hold(slot, bytes, count, 0)
    case .end, .piece, .failed: return false
    }
  }

  /// Sends two runs of bytes in one call where they can be; false when the connection is broken.
  mutating func send(
    _ slot: Int32, _ first: UnsafePointer<UInt8>, _ firstCount: Int, _ second: UnsafePointer<UInt8>, _ secondCount: Int
  ) -> Bool {
    let connection = connections[slot]
    guard connection.pointee.socket >= 0 else { return false }
    if connection.pointee.output.isAllocated {
      return buffers.append(first, firstCount, to: &connection.pointee.output)
        && buffers.append(second, secondCount, to: &connection.pointee.output)
    }
    var sent = 0
    switch network.send(connection.pointee.socket, first, firstCount, second, secondCount) {
    case .bytes(let count): sent = count
    case .wouldBlock: break
    case .end, .piece, .failed: return false
    }
    if sent == firstCount + secondCount { return true }
    if sent >= firstCount {
      return hold(slot, second + (sent - firstCount), secondCount - (sent - firstCount), sent)
    }
    return hold(slot, first + sent, firstCount - sent, sent)
      && buffers.append(second, secondCount, to: &connection.pointee.output)
  }

  /// Keeps what a connection could not take, and receives less at a time from the other side from now on.
  private mutating func hold(_ slot: Int32, _ bytes: UnsafePointer<UInt8>, _ count: Int, _ sent: Int) -> Bool {
    let connection = connections[slot]
    connection.pointee.flags.insert(.blocked)
    narrowSource(of: slot, to: sent)
    setDeadline(slot, network.now.advanced(by: view.timeouts.bodyIdle))
    return buffers.append(bytes, count, to: &connection.pointee.output)
  }

  /// Receives about as much from the other side as this one last took.
  private func narrowSource(of slot: Int32, to sent: Int) {
    let id = connections[slot].pointee.exchange
    guard id >= 0 else { return }
    let isClient = connections[slot].pointee.role == .client
    let other = isClient ? exchanges[id].pointee.upstream : exchanges[id].pointee.client
    guard other >= 0 else { return }
    connections[other].pointee.window = Int32(min(Limit.scratch, max(Limit.headRead, sent)))
  }

  /// Sends what was kept: true when nothing is left, false when some is or the connection is broken (`isBroken`).
  mutating func flush(_ slot: Int32, isBroken: inout Bool) -> Bool {
    let connection = connections[slot]
    connection.pointee.flags.remove(.blocked)
    guard connection.pointee.output.isAllocated else { return true }
    let output = connection.pointee.output
    switch network.send(connection.pointee.socket, output.first, output.count) {
    case .bytes(let sent):
      connection.pointee.output.start += Int32(sent)
      if sent == output.count {
        buffers.giveBack(&connection.pointee.output)
        return true
      }
      setDeadline(slot, network.now.advanced(by: view.timeouts.bodyIdle))
      connection.pointee.flags.insert(.blocked)
    case .wouldBlock: connection.pointee.flags.insert(.blocked)
    case .end, .piece, .failed: isBroken = true
    }
    return false
  }
}
