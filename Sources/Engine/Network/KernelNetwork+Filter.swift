import Platform
import Primitives

extension KernelNetwork {
  /// Bytes of a TLS record at most (RFC 8446, section 5.1).
  static let recordSize = 16 << 10

  private func filter(_ socket: Int32) -> UnsafeMutablePointer<SocketFilter> {
    filters + Int(SocketFilter.descriptor(socket))
  }

  /// Puts `channel` between a new socket and the engine, which hears of it by `token`.
  func addFilter(to socket: Int32, token: UInt64, _ channel: TLSChannel?) -> OpenOutcome {
    guard let channel, Int(socket) < Limit.descriptors else {
      channel?.free()
      Socket.close(socket, resetting: false)
      return .exhausted
    }
    let filter = filters + Int(socket)
    let told = UInt64(filter.pointee.generation & 0x7FFF_FFFF) << 32 | SocketFilter.tokenBit | UInt64(socket)
    guard case .opened = register(socket, token: token, telling: told) else {
      channel.free()
      return .exhausted
    }
    filter.pointee.phase = .opening
    filter.pointee.token = token
    filter.pointee.channel = channel
    return .opened(socket | SocketFilter.socketBit)
  }

  /// What the poller's word on a filtered socket means to the engine.
  func filteredEvent(_ told: UInt64, _ kinds: NetworkEventKinds) -> NetworkEvent {
    let filter = filters + Int(told & (SocketFilter.tokenBit - 1))
    let isStale = filter.pointee.generation & 0x7FFF_FFFF != UInt32(told >> 32)
    guard !isStale, let channel = filter.pointee.channel else { return NetworkEvent(token: .max >> 1, kinds: []) }
    let hasEnded = !kinds.isDisjoint(with: [.peerEnded, .broken])
    if hasEnded || kinds.contains(.readable) { channel.noteEvent(hasPeerEnded: hasEnded) }
    let meant =
      switch filter.pointee.phase {
      case .opening: advance(filter, channel)
      case .open: translate(kinds, filter, channel)
      case .failed, .unused: NetworkEventKinds.broken
      }
    return NetworkEvent(token: filter.pointee.token, kinds: meant)
  }

  /// Goes on with the handshake; the engine hears nothing before it is through or has failed.
  private func advance(_ filter: UnsafeMutablePointer<SocketFilter>, _ channel: TLSChannel) -> NetworkEventKinds {
    switch channel.shakeHands() {
    case .underWay: return []
    case .open:
      filter.pointee.phase = .open
      // The first bytes may have come behind the handshake's last.
      return [.readable, .writable]
    case .failed:
      filter.pointee.phase = .failed
      return .broken
    }
  }

  private func translate(
    _ kinds: NetworkEventKinds, _ filter: UnsafeMutablePointer<SocketFilter>, _ channel: TLSChannel
  ) -> NetworkEventKinds {
    var meant = kinds
    if kinds.contains(.writable) {
      if filter.pointee.receiveNeedsOutput { meant.insert(.readable) }
      if filter.pointee.endNeedsOutput { sendEnd(filter, channel) }
    }
    if kinds.contains(.readable), filter.pointee.sendNeedsInput { meant.insert(.writable) }
    guard kinds.contains(.peerEnded) else { return meant }
    // The kernel's word says nothing of what is still encrypted: only a peer with no byte left has ended.
    meant.insert(.readable)
    if !channel.isAtEnd() { meant.remove(.peerEnded) }
    return meant
  }

  func isOpening(_ socket: Int32) -> Bool { SocketFilter.isOn(socket) && filter(socket).pointee.phase != .open }

  func isSecure(_ socket: Int32) -> Bool { SocketFilter.isOn(socket) }

  func hasAgreedOnHTTP2(_ socket: Int32) -> Bool {
    guard SocketFilter.isOn(socket), let name = filter(socket).pointee.channel?.negotiatedProtocol else { return false }
    return name.count == 2 && name[0] == UInt8(ascii: "h") && name[1] == UInt8(ascii: "2")
  }

  @inline(never)
  func receiveFiltered(_ socket: Int32, _ into: UnsafeMutablePointer<UInt8>, _ capacity: Int) -> TransferOutcome {
    let filter = filter(socket)
    guard let channel = filter.pointee.channel else { return .failed }
    let transfer = channel.receive(into: into, capacity: capacity)
    filter.pointee.receiveNeedsOutput = transfer.stop == .needsOutput
    switch transfer.stop {
    case .done: return .bytes(transfer.count)
    case .needsInput, .needsOutput: return transfer.count > 0 ? .bytes(transfer.count) : .wouldBlock
    case .ended: return transfer.count > 0 ? .piece(transfer.count) : .end
    case .failed: return transfer.count > 0 ? .piece(transfer.count) : .failed
    }
  }

  @inline(never)
  func sendFiltered(_ socket: Int32, _ bytes: UnsafePointer<UInt8>, _ count: Int) -> TransferOutcome {
    let filter = filter(socket)
    guard let channel = filter.pointee.channel else { return .failed }
    let transfer = channel.send(bytes, count)
    filter.pointee.sendNeedsInput = transfer.stop == .needsInput
    if transfer.stop == .failed || transfer.stop == .ended { return .failed }
    return transfer.count > 0 ? .bytes(transfer.count) : .wouldBlock
  }

  /// Sends two runs; the first one and the beginning of the second share a record.
  @inline(never)
  func sendFiltered(
    _ socket: Int32, _ first: UnsafePointer<UInt8>, _ firstCount: Int, _ second: UnsafePointer<UInt8>,
    _ secondCount: Int
  ) -> TransferOutcome {
    let shared = min(secondCount, max(0, KernelNetwork.recordSize - firstCount))
    let begun = firstCount + shared
    let outcome: TransferOutcome
    if shared > 0 {
      record.update(from: first, count: firstCount)
      (record + firstCount).update(from: second, count: shared)
      outcome = sendFiltered(socket, record, begun)
    } else {
      outcome = sendFiltered(socket, first, firstCount)
    }
    guard case .bytes(begun) = outcome, shared < secondCount else { return outcome }
    switch sendFiltered(socket, second + shared, secondCount - shared) {
    case .bytes(let count): return .bytes(begun + count)
    case .failed: return .failed
    default: return outcome
    }
  }

  func endSendingFiltered(_ socket: Int32) {
    let filter = filter(socket)
    guard let channel = filter.pointee.channel else { return }
    sendEnd(filter, channel)
  }

  private func sendEnd(_ filter: UnsafeMutablePointer<SocketFilter>, _ channel: TLSChannel) {
    filter.pointee.endNeedsOutput = filter.pointee.phase == .open && !channel.end()
    if !filter.pointee.endNeedsOutput { Socket.endSending(channel.socket) }
  }

  func closeFiltered(_ socket: Int32, resetting: Bool) {
    let filter = filter(socket)
    if let channel = filter.pointee.channel {
      if filter.pointee.phase == .open, !resetting { _ = channel.end() }
      channel.free()
    }
    let generation = filter.pointee.generation &+ 1
    filter.pointee = SocketFilter(
      phase: .unused, receiveNeedsOutput: false, sendNeedsInput: false, endNeedsOutput: false, generation: generation,
      token: 0, channel: nil)
    Socket.close(SocketFilter.descriptor(socket), resetting: resetting)
  }
}
