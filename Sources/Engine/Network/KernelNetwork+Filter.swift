import HTTP
import Platform
import Primitives

extension KernelNetwork {
  private func filter(_ socket: Int32) -> UnsafeMutablePointer<SocketFilter> {
    filters + Int(SocketFilter.descriptor(socket))
  }

  /// Puts a filter between a new socket and the engine, which hears of it by `token`.
  func addFilter(
    to socket: Int32, token: UInt64, _ phase: SocketFilter.Phase, _ channel: TLSChannel?,
    saying header: UnsafeBufferPointer<UInt8>? = nil
  ) -> OpenOutcome {
    guard Int(socket) < Limit.descriptors else {
      channel?.free()
      return refuse(socket)
    }
    let filter = filters + Int(socket)
    let told = UInt64(filter.pointee.generation & 0x7FFF_FFFF) << 32 | SocketFilter.tokenBit | UInt64(socket)
    guard case .opened = register(socket, telling: told) else {
      channel?.free()
      return .exhausted
    }
    filter.pointee.phase = phase
    filter.pointee.token = token
    filter.pointee.channel = channel
    if let header, header.count > 0 {
      let copy = UnsafeMutablePointer<UInt8>.allocate(capacity: header.count)
      copy.initialize(from: header.baseAddress!, count: header.count)
      filter.pointee.announcement = copy
      filter.pointee.announcementCount = UInt16(clamping: header.count)
    }
    return .opened(socket | SocketFilter.socketBit)
  }

  /// What the poller's word on a filtered socket means to the engine.
  func filteredEvent(_ told: UInt64, _ kinds: NetworkEventKinds) -> NetworkEvent {
    let filter = filters + Int(told & (SocketFilter.tokenBit - 1))
    let isStale = filter.pointee.generation & 0x7FFF_FFFF != UInt32(told >> 32)
    guard !isStale, filter.pointee.phase != .unused else { return NetworkEvent(token: .max >> 1, kinds: []) }
    let socket = Int32(told & (SocketFilter.tokenBit - 1))
    let hasEnded = !kinds.isDisjoint(with: [.peerEnded, .broken])
    if hasEnded || kinds.contains(.readable) { filter.pointee.channel?.noteEvent(hasPeerEnded: hasEnded) }
    if filter.pointee.phase == .announcing {
      guard kinds.contains(.readable) || hasEnded else { return NetworkEvent(token: filter.pointee.token, kinds: []) }
      takeAnnouncement(socket, filter)
    } else if filter.pointee.phase == .connecting, !kinds.isDisjoint(with: [.writable, .broken]) {
      let isGood = Socket.error(of: socket) == 0 && announce(socket, filter)
      filter.pointee.phase = !isGood ? .failed : filter.pointee.channel == nil ? .open : .opening
    }
    let meant =
      switch filter.pointee.phase {
      case .opening: advance(filter, told)
      case .open: translate(kinds, filter)
      case .failed: NetworkEventKinds.broken
      case .announcing, .connecting, .unused: NetworkEventKinds()
      }
    return NetworkEvent(token: filter.pointee.token, kinds: meant)
  }

  /// Tells a backend that has just accepted whom the connection speaks for; false when that can't be.
  private func announce(_ socket: Int32, _ filter: UnsafeMutablePointer<SocketFilter>) -> Bool {
    guard let announcement = filter.pointee.announcement else { return true }
    let count = Int(filter.pointee.announcementCount)
    // Nothing was sent before: so few bytes have room in any socket.
    let isSent = Socket.send(socket, announcement, count) == count
    announcement.deallocate()
    filter.pointee.announcement = nil
    return isSent
  }

  /// What it means to the engine that a handshake may have a certificate to go on with.
  func resumedEvent(_ told: UInt64) -> NetworkEvent {
    let filter = filters + Int(told & (SocketFilter.tokenBit - 1))
    if filter.pointee.generation & 0x7FFF_FFFF == UInt32(told >> 32) { filter.pointee.isSuspended = false }
    return filteredEvent(told, [])
  }

  /// Takes the peer's word on whom it speaks for, once it is in whole: not a byte of what comes after it.
  private func takeAnnouncement(_ socket: Int32, _ filter: UnsafeMutablePointer<SocketFilter>) {
    let record = batch.pointee.joint
    let count = Socket.peek(socket, record, TLSBatch.recordSize)
    guard count > 0 else {
      if count == 0 || !Socket.wouldBlock { filter.pointee.phase = .failed }
      return
    }
    switch ProxyHeader.parse(record, count) {
    case .incomplete: if count == TLSBatch.recordSize { filter.pointee.phase = .failed }
    case .bad: filter.pointee.phase = .failed
    case .complete(let length, let address, let port):
      _ = Socket.receive(socket, record, length)
      if let address { (filter.pointee.address, filter.pointee.port) = (address, port) }
      filter.pointee.hasAddress = address != nil
      filter.pointee.phase = filter.pointee.channel == nil ? .open : .opening
    }
  }

  /// Goes on with the handshake; the engine hears nothing before it is through or has failed.
  private func advance(_ filter: UnsafeMutablePointer<SocketFilter>, _ told: UInt64) -> NetworkEventKinds {
    filter.pointee.hasBegun = true
    switch filter.pointee.channel?.shakeHands() ?? .failed {
    case .underWay: return []
    case .waiting:
      if filter.pointee.isSuspended || suspended.add(told) {
        filter.pointee.isSuspended = true
        return []
      }
      filter.pointee.phase = .failed
      return .broken
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
    _ kinds: NetworkEventKinds, _ filter: UnsafeMutablePointer<SocketFilter>
  ) -> NetworkEventKinds {
    guard let channel = filter.pointee.channel else { return kinds.union(.readable) }
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

  func isSecure(_ socket: Int32) -> Bool { SocketFilter.isOn(socket) && filter(socket).pointee.channel != nil }

  func handshakeEnd(_ socket: Int32) -> HandshakeEnd {
    guard SocketFilter.isOn(socket), let channel = filter(socket).pointee.channel else { return .none }
    switch filter(socket).pointee.phase {
    case .opening: return .underWay
    // A connect that failed has not come so far.
    case .failed: return filter(socket).pointee.hasBegun ? .failed(channel.failure) : .none
    case .unused, .announcing, .connecting, .open: return .none
    }
  }

  func isResumed(_ socket: Int32) -> Bool {
    SocketFilter.isOn(socket) && filter(socket).pointee.channel?.isResumed ?? false
  }

  func serverName(_ socket: Int32) -> UnsafeBufferPointer<UInt8> {
    guard SocketFilter.isOn(socket), let channel = filter(socket).pointee.channel else { return Self.nothing }
    return channel.serverName
  }

  func strictTransport(_ socket: Int32) -> UnsafeBufferPointer<UInt8> {
    guard SocketFilter.isOn(socket), let channel = filter(socket).pointee.channel else { return Self.nothing }
    return channel.strictTransport
  }

  func negotiatedProtocol(_ socket: Int32) -> UnsafeBufferPointer<UInt8> {
    guard SocketFilter.isOn(socket), let channel = filter(socket).pointee.channel else { return Self.nothing }
    return channel.negotiatedProtocol
  }

  func localAddress(_ socket: Int32) -> (address: IPAddress, port: UInt16) {
    let local = Socket.localAddress(of: SocketFilter.isOn(socket) ? SocketFilter.descriptor(socket) : socket)
    return (local.address, local.port)
  }

  func clientNames(_ socket: Int32) -> CertificateNames {
    guard SocketFilter.isOn(socket), let channel = filter(socket).pointee.channel else { return .none }
    return channel.clientNames
  }

  private static var nothing: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: nil, count: 0) }

  func takeAnnounced(_ socket: Int32, peer: inout IPAddress, port: inout UInt16) {
    guard SocketFilter.isOn(socket), filter(socket).pointee.hasAddress else { return }
    (peer, port) = (filter(socket).pointee.address, filter(socket).pointee.port)
  }

  @inline(never)
  func receiveFiltered(_ socket: Int32, _ into: UnsafeMutablePointer<UInt8>, _ capacity: Int) -> TransferOutcome {
    let filter = filter(socket)
    guard let channel = filter.pointee.channel else {
      return outcome(Socket.receive(SocketFilter.descriptor(socket), into, capacity), zero: .end)
    }
    let transfer = channel.receive(into: into, capacity: capacity)
    filter.pointee.receiveNeedsOutput = transfer.stop == .needsOutput
    switch transfer.stop {
    case .done: return .bytes(transfer.count)
    case .needsInput, .needsOutput, .needsCertificate: return transfer.count > 0 ? .bytes(transfer.count) : .wouldBlock
    case .ended: return transfer.count > 0 ? .piece(transfer.count) : .end
    case .failed: return transfer.count > 0 ? .piece(transfer.count) : .failed
    }
  }

  /// Sends two runs; records take bytes of both where they meet.
  @inline(never)
  func sendFiltered(
    _ socket: Int32, _ first: UnsafePointer<UInt8>, _ firstCount: Int, _ second: UnsafePointer<UInt8>,
    _ secondCount: Int
  ) -> TransferOutcome {
    let filter = filter(socket)
    guard let channel = filter.pointee.channel else {
      return outcome(
        Socket.send(SocketFilter.descriptor(socket), first, firstCount, second, secondCount), zero: .wouldBlock)
    }
    let transfer = channel.send(first, firstCount, second, secondCount, through: batch)
    filter.pointee.sendNeedsInput = transfer.stop == .needsInput
    // What went before a failure is no use to anybody.
    if transfer.stop == .failed || transfer.stop == .ended { return .failed }
    return transfer.count > 0 ? .bytes(transfer.count) : .wouldBlock
  }

  func endSendingFiltered(_ socket: Int32) {
    let filter = filter(socket)
    guard let channel = filter.pointee.channel else { return Socket.endSending(SocketFilter.descriptor(socket)) }
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
    filter.pointee.announcement?.deallocate()
    let generation = filter.pointee.generation &+ 1
    filter.pointee = SocketFilter()
    filter.pointee.generation = generation
    Socket.close(SocketFilter.descriptor(socket), resetting: resetting)
  }
}
