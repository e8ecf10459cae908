import Glibc
import Primitives

@testable import Platform

/// One side of TLS on a socket whose other end the fuzzer holds.
final class TLSEnd {
  /// What OpenSSL may hold for the connections of one input: records, a flight of the handshake, what it caches.
  private static let mostMemory = 2 << 20
  /// Bytes that are received at once; the memory ends right behind them.
  private static let capacity = 700

  let channel: TLSChannel
  private(set) var isOpen = false
  /// Whether the connection is broken.
  private(set) var hasFailed = false
  /// Whether the peer has said that it ends.
  private(set) var hasEnded = false
  /// What came through.
  private(set) var received: [UInt8] = []
  private var fed = 0
  private let sockets: [Int32]
  private let memory = OpenSSLMemory.held
  private let buffer = UnsafeMutablePointer<UInt8>.allocate(capacity: TLSEnd.capacity)
  private let slot = UnsafeMutablePointer<TLSSessionSlot>.allocate(capacity: 1)

  /// The accepting side, or the connecting one when there is no server.
  init(_ server: ServerTLS?, _ client: ClientTLS) throws {
    var ends: [Int32] = [-1, -1]
    let kind = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue)
    try require(socketpair(AF_UNIX, kind, 0, &ends) == 0, "no sockets")
    sockets = ends
    slot.initialize(to: TLSSessionSlot())
    let made =
      if let server {
        TLSChannel(accepting: ends[0], server)
      } else {
        TLSChannel(connecting: ends[0], client, name: "a.example", isAddress: false, sessions: slot)
      }
    guard let made else { throw Mismatch(description: "no channel") }
    channel = made
  }

  deinit {
    channel.free()
    slot.pointee.clear()
    slot.deallocate()
    buffer.deallocate()
    for socket in sockets { Socket.close(socket, resetting: false) }
  }

  /// Has bytes arrive in pieces of at most `longest`, and looks at each.
  func take(_ bytes: some Collection<UInt8>, longest: Int, _ random: inout SeededRandom) throws {
    var rest = Array(bytes)[...]
    while !rest.isEmpty, !hasFailed {
      let piece = Array(rest.prefix(1 + random.below(longest)))
      let sent = Socket.send(sockets[1], piece, piece.count)
      try require(sent == piece.count, "what came is not received")
      fed += sent
      rest = rest.dropFirst(sent)
      try goOn()
    }
  }

  /// The peer hangs up: whatever came, nothing more is waited for.
  func end() throws {
    Socket.endSending(sockets[1])
    try goOn(hasPeerEnded: true)
    try require(hasFailed || hasEnded, "an end is not seen")
    guard hasFailed else { return }
    try require(channel.shakeHands() == .failed && channel.isAtEnd(), "what has failed goes on")
    try require(channel.receive(into: buffer, capacity: 1).count == 0, "what has failed still receives")
    try require(channel.send(buffer, 1).count == 0, "what has failed still sends")
    try require(!channel.failure.text.isEmpty, "no reason is told")
  }

  /// What this side has sent since the last time.
  func sent() -> [UInt8] {
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 16 << 10)
    while true {
      let count = Socket.receive(sockets[1], &piece, piece.count)
      guard count > 0 else { return bytes }
      bytes += piece[0..<count]
    }
  }

  /// Goes on with what is there.
  func goOn(hasPeerEnded: Bool = false) throws {
    channel.noteEvent(hasPeerEnded: hasPeerEnded)
    if !isOpen, !hasFailed {
      switch channel.shakeHands() {
      case .open: isOpen = true
      case .underWay: break
      case .waiting: throw Mismatch(description: "a certificate is waited for that is there")
      case .failed: hasFailed = true
      }
    }
    while isOpen, !hasFailed, !hasEnded {
      let transfer = channel.receive(into: buffer, capacity: TLSEnd.capacity)
      try require((0...TLSEnd.capacity).contains(transfer.count), "\(transfer.count) bytes are received")
      received += UnsafeBufferPointer(start: buffer, count: transfer.count)
      try require(received.count <= fed, "more comes out than went in")
      if transfer.stop == .failed { hasFailed = true }
      if transfer.stop == .ended { hasEnded = true }
      if transfer.stop != .done { break }
    }
    try require(channel.serverName.count <= 255, "a name of \(channel.serverName.count) bytes is kept")
    let held = OpenSSLMemory.held - memory
    try require(held <= TLSEnd.mostMemory, "\(held) bytes are held")
  }
}
