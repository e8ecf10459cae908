import Platform
public import Primitives
import Synchronization

/// Handshakes that failed in the same way with the same peers, since they were last taken.
public struct HandshakeFailure: Sendable {
  /// The shard and the address of the backend, `nil` for clients.
  public var backend: (shard: String, name: String)?
  /// The client that failed last, `nil` for backends and for clients without address.
  public var client: IPAddress?
  /// In one of a few kinds.
  public var kind: TLSFailureKind
  /// In words.
  public var reason: String
  /// How often.
  public var count: Int

  /// One failure, of a client unless a backend is named.
  public init(_ kind: TLSFailureKind, _ reason: String, backend: (shard: String, name: String)? = nil) {
    self.backend = backend
    self.kind = kind
    self.reason = reason
    count = 1
  }
}

/// What workers leave for the control thread to tell of handshakes that failed: summed up by peer and reason, so that
/// nobody can fill a log.
final class HandshakeFailures: Sendable {
  /// Different failures kept at most; those beyond are only counted in the metrics.
  static let most = 64

  struct Entry {
    var backend: Int32
    var identity: UInt
    var failure: HandshakeFailure
  }

  private let entries = Mutex<[Entry]>([])
  /// Whether there are any: spares the lock.
  private let hasAny = Atomic<Bool>(false)

  /// Notes a failed handshake with backend number `backend`, or with a client when that is -1.
  func note(_ failure: TLSFailure, backend: Int32, client: IPAddress) {
    entries.withLock { entries in
      let identity = failure.identity
      if let place = entries.firstIndex(where: { $0.backend == backend && $0.identity == identity }) {
        entries[place].failure.count += 1
        if backend < 0 { entries[place].failure.client = client }
        return
      }
      guard entries.count < HandshakeFailures.most else { return }
      var first = HandshakeFailure(failure.kind, failure.text)
      if backend < 0 { first.client = client }
      entries.append(Entry(backend: backend, identity: identity, failure: first))
    }
    hasAny.store(true, ordering: .releasing)
  }

  /// Takes what was noted.
  func take() -> [Entry] {
    guard hasAny.load(ordering: .relaxed), hasAny.exchange(false, ordering: .acquiringAndReleasing) else { return [] }
    return entries.withLock { entries in
      defer { entries.removeAll() }
      return entries
    }
  }
}

extension Engine {
  /// The handshakes that failed since the last call. For the control thread; most calls cost one load.
  public func takeHandshakeFailures() -> [HandshakeFailure] {
    let entries = process.handshakes.take()
    guard !entries.isEmpty else { return [] }
    let names = process.roster.names.withLock { $0 }
    return entries.map { entry in
      var failure = entry.failure
      if entry.backend >= 0 {
        let shard = names.shards[Int(names.backendShards[Int(entry.backend)])]
        failure.backend = (shard, names.backends[Int(entry.backend)])
      }
      return failure
    }
  }
}

extension Worker where N: ~Copyable {
  /// A connection is closed before it was open: if it was its handshake that failed, counts it and has it told why.
  @inline(never)
  mutating func noteHandshakeEnd(_ slot: Int32) {
    let connection = connections[slot]
    switch network.handshakeEnd(connection.pointee.socket) {
    case .none: return
    case .underWay:
      // Who is let go for want of room, or since we end, was not late.
      guard !isDraining, !connection.pointee.flags.contains(.isSurplus) else { return }
      noteHandshakeFailure(slot, TLSFailure(.timeout))
    case .failed(let failure): noteHandshakeFailure(slot, failure)
    }
  }

  /// Counts a failed handshake, and has it told why it failed.
  @inline(never)
  mutating func noteHandshakeFailure(_ slot: Int32, _ failure: TLSFailure) {
    let connection = connections[slot]
    let isClient = connection.pointee.role == .client
    let side = isClient ? 0 : TLSFailureKind.allCases.count
    mine[WorkerPlace.handshakeFailures + side + Int(failure.kind.rawValue)].add()
    process.handshakes.note(
      failure, backend: isClient ? -1 : connection.pointee.backend, client: connection.pointee.address)
  }
}
