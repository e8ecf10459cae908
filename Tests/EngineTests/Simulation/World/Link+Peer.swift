import Primitives

/// The script's end of a connection.
extension Link {
  /// Reads at most `bound` bytes.
  func read(_ bound: Int = .max) -> [UInt8] {
    let bytes = toPeer.arrived.take(bound)
    if !bytes.isEmpty { pump() }
    return bytes
  }

  /// Whether there is nothing more to read, in order or not.
  var isAtEnd: Bool { toPeer.arrived.isEmpty && (peerIsReset || toPeer.hasEnded) }

  /// Whether the engine ended its half in order, and all of it was read.
  var hasOrderlyEnd: Bool { toPeer.arrived.isEmpty && !peerIsReset && toPeer.hasEnded }

  /// Sends what fits of `bytes`; returns how many.
  func write(_ bytes: ArraySlice<UInt8>) -> Int {
    guard !peerIsReset, !peerIsClosed, !toEngine.isEnding else { return 0 }
    let count = min(bytes.count, toEngine.room)
    toEngine.sent.append(bytes.prefix(count))
    pump()
    return count
  }

  /// Ends the script's half.
  func endPeer() {
    guard !peerIsReset, !toEngine.isEnding else { return }
    toEngine.isEnding = true
    pump()
  }

  /// Closes in order; unread bytes make it a reset, as they do on Linux.
  func closePeer() {
    guard !peerIsClosed else { return }
    if !toPeer.arrived.isEmpty { return abortPeer() }
    peerIsClosed = true
    if !peerIsReset { toEngine.isEnding = true }
    pump()
  }

  /// Closes with a reset.
  func abortPeer() {
    guard !peerIsClosed else { return }
    peerIsClosed = true
    guard !peerIsReset else { return }
    resetEngine(after: world.weather.wait(&world.random))
  }
}

/// Bytes a script wants to send, however slowly they go.
struct Outbox {
  private var waiting = ByteQueue()

  var isEmpty: Bool { waiting.isEmpty }
  var count: Int { waiting.count }

  mutating func add(_ bytes: [UInt8]) { waiting.append(bytes) }

  /// Sends what fits, at most `bound` bytes; returns how many went.
  @discardableResult
  mutating func flush(_ link: Link, _ bound: Int = .max) -> Int {
    var moved = 0
    while moved < bound, !waiting.isEmpty {
      let room = min(bound - moved, link.toEngine.room, waiting.count)
      guard room > 0 else { break }
      let count = link.write(waiting.take(room)[...])
      guard count > 0 else { break }
      moved += count
    }
    return moved
  }

  mutating func removeAll() { waiting.removeAll() }
}
