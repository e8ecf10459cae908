import Glibc
import Platform

/// A client's socket with patience: every wait ends at a deadline or when the server stops.
struct PlainChannel: ~Copyable {
  private let socket: Int32
  private let stop: Waker
  private let clock = ContinuousClock()
  /// Bytes that came and were not consumed yet.
  private(set) var pending: ArraySlice<UInt8> = []
  private var piece = [UInt8](repeating: 0, count: 16 << 10)

  /// Takes over an open non-blocking socket and closes it in the end.
  init(socket: Int32, stop: Waker) {
    self.socket = socket
    self.stop = stop
  }

  deinit { Socket.close(socket, resetting: false) }

  /// Forgets the first `count` pending bytes.
  mutating func consume(_ count: Int) {
    pending.removeFirst(count)
    if pending.isEmpty { pending = [] }
  }

  /// Waits for more bytes; `false` when the peer is done, the deadline is past or the server stops.
  mutating func receive(until deadline: ContinuousClock.Instant) -> Bool {
    while true {
      let got = piece.withUnsafeMutableBufferPointer { Socket.receive(socket, $0.baseAddress!, $0.count) }
      if got > 0 {
        pending.append(contentsOf: piece[..<got])
        return true
      }
      guard got < 0, Socket.wouldBlock, wait(for: POLLIN, until: deadline) else { return false }
    }
  }

  /// Sends everything; `false` when a piece of it finds no room within `patience`, or the server stops.
  mutating func send(_ bytes: [UInt8], patience: Duration) -> Bool {
    var sent = 0
    while sent < bytes.count {
      let put = bytes.withUnsafeBufferPointer { Socket.send(socket, $0.baseAddress! + sent, $0.count - sent) }
      if put >= 0 {
        sent += put
        continue
      }
      guard Socket.wouldBlock, wait(for: POLLOUT, until: clock.now + patience) else { return false }
    }
    return true
  }

  /// Passes `span` without doing anything; `false` when the server stops meanwhile.
  func pause(_ span: Duration) -> Bool {
    let deadline = clock.now + span
    while true {
      var waited = [pollfd(fd: stop.descriptor, events: Int16(POLLIN), revents: 0)]
      let ready = poll(&waited, 1, milliseconds(until: deadline))
      if ready > 0 { return false }
      if clock.now >= deadline { return true }
    }
  }

  /// Ends our half and waits a moment for the peer to end theirs, so that it surely reads our last answer.
  mutating func finish() {
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
        pollfd(fd: stop.descriptor, events: Int16(POLLIN), revents: 0),
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
