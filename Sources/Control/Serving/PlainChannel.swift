import Glibc
import Platform

/// A client's socket with patience: every wait ends at a deadline or when the server stops.
struct PlainChannel: ~Copyable {
  private let socket: Int32
  /// Readable when the server stops; -1 is never.
  private let stop: Int32
  private var tls: TLSChannel?
  private let clock = ContinuousClock()
  /// Bytes that came and were not consumed yet.
  private(set) var pending: ArraySlice<UInt8> = []
  private var piece = [UInt8](repeating: 0, count: 16 << 10)

  /// Takes over an open non-blocking socket and closes it in the end.
  init(socket: Int32, stop: Waker?) {
    self.socket = socket
    self.stop = stop?.descriptor ?? -1
  }

  deinit {
    tls?.free()
    Socket.close(socket, resetting: false)
  }

  /// Forgets the first `count` pending bytes.
  mutating func consume(_ count: Int) {
    pending.removeFirst(count)
    if pending.isEmpty { pending = [] }
  }

  /// Waits for more bytes; `false` when the peer is done, the deadline is past or the server stops.
  mutating func receive(until deadline: ContinuousClock.Instant) -> Bool {
    while true {
      let got = receivePiece()
      if got.count > 0 {
        pending.append(contentsOf: piece[..<got.count])
        return true
      }
      guard let event = got.waitsFor, wait(for: event, until: deadline) else { return false }
    }
  }

  /// Sends everything; `false` when a piece of it finds no room within `patience`, or the server stops.
  mutating func send(_ bytes: [UInt8], patience: Duration) -> Bool {
    var sent = 0
    while sent < bytes.count {
      let put = sendPiece(bytes, from: sent)
      sent += put.count
      if sent == bytes.count { return true }
      if put.count > 0, put.waitsFor == nil { continue }
      guard let event = put.waitsFor, wait(for: event, until: clock.now + patience) else { return false }
    }
    return true
  }

  /// How many bytes were moved, and the event that more of them wait for; `nil` when none will come.
  private typealias Step = (count: Int, waitsFor: Int32?)

  private mutating func receivePiece() -> Step {
    guard let tls else {
      let got = piece.withUnsafeMutableBufferPointer { Socket.receive(socket, $0.baseAddress!, $0.count) }
      return (max(0, got), got < 0 && Socket.wouldBlock ? POLLIN : nil)
    }
    tls.noteEvent(hasPeerEnded: false)
    let got = piece.withUnsafeMutableBufferPointer { tls.receive(into: $0.baseAddress!, capacity: $0.count) }
    return (got.count, PlainChannel.event(got.stop))
  }

  private func sendPiece(_ bytes: [UInt8], from start: Int) -> Step {
    bytes.withUnsafeBufferPointer { buffer in
      let (place, count) = (buffer.baseAddress! + start, buffer.count - start)
      guard let tls else {
        let put = Socket.send(socket, place, count)
        return (max(0, put), put < 0 && Socket.wouldBlock ? POLLOUT : nil)
      }
      let put = tls.send(place, count)
      return (put.count, PlainChannel.event(put.stop))
    }
  }

  private static func event(_ stop: TLSStop) -> Int32? {
    switch stop {
    case .needsInput: POLLIN
    case .needsOutput: POLLOUT
    case .done, .ended, .failed, .needsCertificate: nil
    }
  }

  /// Speaks TLS from now on, as the side that was connected to; `false` when the handshake comes to nothing.
  mutating func accept(_ server: ServerTLS, until deadline: ContinuousClock.Instant) -> Bool {
    tls = TLSChannel(accepting: socket, server)
    return shakeHands(until: deadline)
  }

  /// Speaks TLS from now on, as the side that has connected to `name`; `false` when the handshake comes to nothing.
  mutating func connect(
    _ client: ClientTLS, name: String, isAddress: Bool, sessions: UnsafeMutablePointer<TLSSessionSlot>,
    until deadline: ContinuousClock.Instant
  ) -> Bool {
    tls = TLSChannel(connecting: socket, client, name: name, isAddress: isAddress, sessions: sessions)
    return shakeHands(until: deadline)
  }

  /// Waits until a connection that was begun is made; `false` when it can't be.
  func awaitConnection(until deadline: ContinuousClock.Instant) -> Bool {
    wait(for: POLLOUT, until: deadline) && Socket.error(of: socket) == 0
  }

  /// Goes through the handshake of TLS.
  private func shakeHands(until deadline: ContinuousClock.Instant) -> Bool {
    guard let tls else { return false }
    while true {
      tls.noteEvent(hasPeerEnded: false)
      switch tls.shakeHands() {
      case .open: return true
      case .underWay: if !wait(for: POLLIN, until: deadline) { return false }
      case .waiting, .failed: return false
      }
    }
  }

  /// Passes `span` without doing anything; `false` when the server stops meanwhile.
  func pause(_ span: Duration) -> Bool {
    let deadline = clock.now + span
    while true {
      var waited = [pollfd(fd: stop, events: Int16(POLLIN), revents: 0)]
      let ready = poll(&waited, 1, milliseconds(until: deadline))
      if ready > 0 { return false }
      if clock.now >= deadline { return true }
    }
  }

  /// Ends our half and waits a moment for the peer to end theirs, so that it surely reads our last answer.
  mutating func finish() {
    _ = tls?.end()
    Socket.endSending(socket)
    let deadline = clock.now + .seconds(1)
    var budget = 64
    while budget > 0, receive(until: deadline) {
      pending = []
      budget -= 1
    }
  }

  private func wait(for event: Int32, until deadline: ContinuousClock.Instant) -> Bool {
    while true {
      var waited = [
        pollfd(fd: socket, events: Int16(event), revents: 0),
        pollfd(fd: stop, events: Int16(POLLIN), revents: 0),
      ]
      let ready = poll(&waited, 2, milliseconds(until: deadline))
      if waited[1].revents != 0 { return false }
      if ready > 0 { return true }
      if clock.now >= deadline { return false }
    }
  }

  /// Rounded up, so that a wait never turns into a spin just before its deadline.
  private func milliseconds(until deadline: ContinuousClock.Instant) -> Int32 {
    let (seconds, rest) = (deadline - clock.now).components
    return Int32(clamping: max(0, seconds * 1000 + (rest + 999_999_999_999_999) / 1_000_000_000_000_000))
  }
}
