import CLinux
import COpenSSL

extension TLSChannel {
  /// Sends as many of `count` bytes as fit now. What was refused must be offered again before anything else is.
  public func send(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> TLSTransfer {
    // After our end nothing can be sent, but what comes is still received.
    guard canSend else { return TLSTransfer(count: 0, stop: .failed) }
    var (sent, stop) = settleBacklog(count)
    guard stop == .done else { return TLSTransfer(count: sent, stop: stop) }
    while sent < count {
      let taken = SSL_write(ssl, bytes + sent, Int32(clamping: count - sent))
      guard taken > 0 else {
        stop = stopOfSend(taken)
        break
      }
      sent += Int(taken)
    }
    return TLSTransfer(count: sent, stop: stop)
  }

  /// Sends as many bytes of two runs, the first then the second, as fit now; several records go out in one call.
  public func send(
    _ first: UnsafePointer<UInt8>, _ firstCount: Int, _ second: UnsafePointer<UInt8>, _ secondCount: Int,
    through batch: UnsafeMutablePointer<TLSBatch>
  ) -> TLSTransfer {
    guard canSend else { return TLSTransfer(count: 0, stop: .failed) }
    let count = firstCount + secondCount
    var (sent, stop) = settleBacklog(count)
    while stop == .done, sent < count {
      var plain = Plain()
      batch.pointee.count = 0
      let isOne = count - sent <= TLSBatch.recordSize
      // A single record goes to the socket at once.
      if !isOne { state.pointee.batch = batch }
      while plain.records < TLSBatch.records, sent + plain.count < count {
        let place = sent + plain.count
        let piece = piece(first, firstCount, second, count, from: place, batch)
        let taken = SSL_write(ssl, piece, Int32(min(TLSBatch.recordSize, count - place)))
        guard taken > 0 else {
          state.pointee.batch = nil
          stop = stopOfSend(taken)
          break
        }
        plain.add(Int(taken), end: batch.pointee.count)
      }
      state.pointee.batch = nil
      guard !isOne, batch.pointee.count > 0 else {
        sent += plain.count
        continue
      }
      let (through, outcome) = pass(batch, plain)
      sent += through
      if outcome != .done { stop = outcome }
    }
    return TLSTransfer(count: sent, stop: stop)
  }

  /// Bytes of the caller's that a batch carries, and how far its records reach.
  private struct Plain {
    var count = 0
    var records = 0
    private var ends: InlineArray<4, (plain: Int, end: Int)> = .init(repeating: (0, 0))

    mutating func add(_ taken: Int, end: Int) {
      count += taken
      ends[records] = (count, end)
      records += 1
    }

    /// Bytes of the caller's in those records that end within `sent` bytes.
    func whole(within sent: Int) -> Int {
      var whole = 0
      for place in 0..<records where ends[place].end <= sent { whole = ends[place].plain }
      return whole
    }
  }

  /// The bytes of the next record, put together where it has some of both runs.
  private func piece(
    _ first: UnsafePointer<UInt8>, _ firstCount: Int, _ second: UnsafePointer<UInt8>, _ count: Int, from place: Int,
    _ batch: UnsafeMutablePointer<TLSBatch>
  ) -> UnsafePointer<UInt8> {
    guard place < firstCount else { return second + (place - firstCount) }
    let length = min(TLSBatch.recordSize, count - place)
    let own = firstCount - place
    guard own < length else { return first + place }
    batch.pointee.joint.update(from: first + place, count: own)
    (batch.pointee.joint + own).update(from: second, count: length - own)
    return UnsafePointer(batch.pointee.joint)
  }

  /// Sends what was gathered in one call; keeps what the socket does not take. How many bytes of the caller's are
  /// through, and why no more.
  private func pass(_ batch: UnsafeMutablePointer<TLSBatch>, _ plain: Plain) -> (through: Int, stop: TLSStop) {
    let count = batch.pointee.count
    var sent = linux_send(state.pointee.socket, batch.pointee.memory, count)
    if sent < 0 {
      guard linux_errno() == EAGAIN || linux_errno() == EINTR else {
        state.pointee.cannotSend = true
        return (0, .failed)
      }
      sent = 0
    }
    if sent == count { return (plain.count, .done) }
    let through = plain.whole(within: sent)
    let backlog = UnsafeMutablePointer<TLSBacklog>.allocate(capacity: 1)
    backlog.initialize(
      to: TLSBacklog(batch.pointee.memory + sent, count - sent, owed: plain.count - through))
    state.pointee.backlog = backlog
    return (through, .needsOutput)
  }

  /// Sends what an earlier batch left; how many of the bytes that are offered again are through with it.
  private func settleBacklog(_ offered: Int) -> (through: Int, stop: TLSStop) {
    guard let backlog = state.pointee.backlog else { return (0, .done) }
    switch TLSChannel.push(state) {
    case .done: break
    case .needsOutput: return (0, .needsOutput)
    default: return (0, .failed)
    }
    let through = min(backlog.pointee.owed, offered)
    backlog.pointee.owed -= through
    if backlog.pointee.owed == 0 { TLSChannel.dropBacklog(state) }
    return (through, .done)
  }

  /// Sends the bytes of a backlog: `.done` when none is left.
  static func push(_ state: UnsafeMutablePointer<State>) -> TLSStop {
    guard let backlog = state.pointee.backlog else { return .done }
    let rest = backlog.pointee.rest
    guard rest.count > 0 else { return .done }
    let sent = linux_send(state.pointee.socket, rest.bytes, rest.count)
    if sent < 0 {
      if linux_errno() == EAGAIN || linux_errno() == EINTR { return .needsOutput }
      state.pointee.cannotSend = true
      return .failed
    }
    backlog.pointee.advance(sent)
    return sent == rest.count ? .done : .needsOutput
  }

  /// Frees a backlog.
  static func dropBacklog(_ state: UnsafeMutablePointer<State>) {
    guard let backlog = state.pointee.backlog else { return }
    backlog.pointee.free()
    backlog.deallocate()
    state.pointee.backlog = nil
  }
}
