import Primitives
import Testing

@testable import Engine

/// The far sides of a network under test.
protocol ContractPeers {
  /// Where the network may connect to; its connections come out of `acceptBackend`.
  var backend: Int32 { get }
  /// Where nobody listens.
  var refusing: Int32 { get }
  /// The listening sockets there may be; the network has the first of them.
  var listeners: [Int32] { get }
  /// Connects to a listener; returns the peer's number.
  func connectClient(_ listener: Int) -> Int
  /// The far side of the oldest connect that was not taken yet.
  func acceptBackend() -> Int?
  /// Sends what fits; returns how many bytes that was.
  func send(_ peer: Int, _ bytes: [UInt8]) -> Int
  func receive(_ peer: Int) -> PeerReading
  func end(_ peer: Int)
  func close(_ peer: Int)
  func reset(_ peer: Int)
  /// Calls the network as another thread does.
  func wake()
  /// Lets arrive what is on its way, as far as the peers can see to that.
  func settle()
}

extension ContractPeers {
  /// Connects to the first listener.
  func connectClient() -> Int { connectClient(0) }
}

/// What a peer read.
enum PeerReading: Equatable {
  case bytes([UInt8])
  case nothing, end, reset
}

/// What both the kernel's network and the virtual one promise the engine.
enum NetworkContract: String, CaseIterable, CustomTestStringConvertible {
  case acceptTellsThePeer, listenersAreToldUntilAccepted, acceptingCanRest, connectSucceeds, connectIsRefused
  case anEdgeIsToldOnce, aShortReceiveMeansNoMore, aShortSendIsToldOn, twoRunsGoInOrder
  case thePeerMayEndItsHalf, weMayEndOurHalf, bothEndsAreBroken, aResetBreaks, bytesBeforeAResetAreRead
  case aSendIsToldOfAReset, aSendOfTwoRunsIsToldOfAReset, aResetEndsAConnect
  case closeIsSeen, closeMayReset, closeWithUnreadBytesResets, aClosedSocketIsSilent, sendingToAClosedPeerBreaks
  case timeGoesOn, aWaitEndsAtItsDeadline, aCallEndsAWait
  case listenersMayBeReplaced, aListenerThatStaysKeepsWhoWaits, closedListenersAcceptNobody

  var testDescription: String { rawValue }

  func check<N: Network & ~Copyable>(_ network: inout N, _ peers: any ContractPeers) throws {
    var bench = ContractBench(peers: peers)
    switch self {
    case .acceptTellsThePeer: try bench.acceptTellsThePeer(&network)
    case .listenersAreToldUntilAccepted: try bench.listenersAreToldUntilAccepted(&network)
    case .acceptingCanRest: try bench.acceptingCanRest(&network)
    case .connectSucceeds: try bench.connectSucceeds(&network)
    case .connectIsRefused: try bench.connectIsRefused(&network)
    case .anEdgeIsToldOnce: try bench.anEdgeIsToldOnce(&network)
    case .aShortReceiveMeansNoMore: try bench.aShortReceiveMeansNoMore(&network)
    case .aShortSendIsToldOn: try bench.aShortSendIsToldOn(&network)
    case .twoRunsGoInOrder: try bench.twoRunsGoInOrder(&network)
    case .thePeerMayEndItsHalf: try bench.thePeerMayEndItsHalf(&network)
    case .weMayEndOurHalf: try bench.weMayEndOurHalf(&network)
    case .bothEndsAreBroken: try bench.bothEndsAreBroken(&network)
    case .aResetBreaks: try bench.aResetBreaks(&network)
    case .bytesBeforeAResetAreRead: try bench.bytesBeforeAResetAreRead(&network)
    case .aSendIsToldOfAReset: try bench.aSendIsToldOfAReset(&network)
    case .aSendOfTwoRunsIsToldOfAReset: try bench.aSendOfTwoRunsIsToldOfAReset(&network)
    case .aResetEndsAConnect: try bench.aResetEndsAConnect(&network)
    case .closeIsSeen: try bench.closeIsSeen(&network)
    case .closeMayReset: try bench.closeMayReset(&network)
    case .closeWithUnreadBytesResets: try bench.closeWithUnreadBytesResets(&network)
    case .aClosedSocketIsSilent: try bench.aClosedSocketIsSilent(&network)
    case .sendingToAClosedPeerBreaks: try bench.sendingToAClosedPeerBreaks(&network)
    case .timeGoesOn: try bench.timeGoesOn(&network)
    case .aWaitEndsAtItsDeadline: try bench.aWaitEndsAtItsDeadline(&network)
    case .aCallEndsAWait: try bench.aCallEndsAWait(&network)
    case .listenersMayBeReplaced: try bench.listenersMayBeReplaced(&network)
    case .aListenerThatStaysKeepsWhoWaits: try bench.aListenerThatStaysKeepsWhoWaits(&network)
    case .closedListenersAcceptNobody: try bench.closedListenersAcceptNobody(&network)
    }
  }
}

/// What the contract's checks are made of.
struct ContractBench {
  let peers: any ContractPeers
  /// What was told so far and not taken, by token.
  var told: [UInt64: NetworkEventKinds] = [:]
  static let token: UInt64 = 1 << 32 | 5

  struct Failure: Error { var text: String }

  /// Waits once.
  mutating func look<N: Network & ~Copyable>(_ network: inout N) {
    peers.settle()
    network.refreshClock()
    let count = network.wait(until: network.now.advanced(by: 2 * .millisecond))
    for place in 0..<count {
      let event = network.event(place)
      told[event.token, default: []].formUnion(event.kinds)
    }
  }

  /// Waits until `token` was told all of `kinds`; takes what it was told.
  @discardableResult
  mutating func expect<N: Network & ~Copyable>(
    _ kinds: NetworkEventKinds, of token: UInt64 = token, _ network: inout N
  ) throws -> NetworkEventKinds {
    for _ in 0..<1_000 {
      if let have = told[token], have.isSuperset(of: kinds) {
        told[token] = nil
        return have
      }
      look(&network)
    }
    throw Failure(text: "\(kinds) was never told; \(told)")
  }

  /// Waits a little for nothing; returns what came all the same.
  mutating func silence<N: Network & ~Copyable>(of token: UInt64 = token, _ network: inout N) -> NetworkEventKinds {
    told[token] = nil
    for _ in 0..<5 { look(&network) }
    return told[token] ?? []
  }

  /// A connection from a client, accepted, and its first events taken.
  mutating func accepted<N: Network & ~Copyable>(_ network: inout N) throws -> (peer: Int, socket: Int32) {
    let peer = peers.connectClient()
    try expect(.connectionsWait, of: 0, &network)
    let socket = try accept(&network)
    try expect(.writable, &network)
    return (peer, socket)
  }

  func accept<N: Network & ~Copyable>(_ network: inout N, token: UInt64 = token) throws -> Int32 {
    var address = IPAddress(high: 0, low: 0)
    var port: UInt16 = 0
    guard case .opened(let socket) = network.accept(0, token: token, peer: &address, port: &port) else {
      throw Failure(text: "nothing to accept")
    }
    return socket
  }

  /// Receives once with room for `capacity` bytes.
  func receive<N: Network & ~Copyable>(
    _ socket: Int32, _ network: inout N, capacity: Int = 100_000
  ) -> (bytes: [UInt8], outcome: TransferOutcome) {
    var memory = [UInt8](repeating: 0, count: capacity)
    let outcome = network.receive(socket, into: &memory, capacity: capacity)
    if case .bytes(let count) = outcome { return (Array(memory[0..<count]), outcome) }
    return ([], outcome)
  }

  /// Receives until `count` bytes came, or the connection says otherwise.
  mutating func receiveAll<N: Network & ~Copyable>(_ socket: Int32, _ count: Int, _ network: inout N) throws -> [UInt8]
  {
    var bytes: [UInt8] = []
    for _ in 0..<1_000 where bytes.count < count {
      let (more, outcome) = receive(socket, &network)
      bytes += more
      if case .wouldBlock = outcome { look(&network) }
    }
    guard bytes.count == count else { throw Failure(text: "\(bytes.count) of \(count) bytes came") }
    return bytes
  }

  /// Reads at a peer until it has read `count` bytes, or an end.
  mutating func read<N: Network & ~Copyable>(_ peer: Int, _ count: Int, _ network: inout N) -> (
    bytes: [UInt8], last: PeerReading
  ) {
    var bytes: [UInt8] = []
    for _ in 0..<5_000 where bytes.count < count {
      switch peers.receive(peer) {
      case .bytes(let more): bytes += more
      case .nothing: look(&network)
      case let last: return (bytes, last)
      }
    }
    return (bytes, .nothing)
  }

  /// Expects `condition`; the macro can't look into networks, which can't be copied.
  func hold(_ condition: Bool, _ comment: Comment? = nil, at place: SourceLocation = #_sourceLocation) {
    #expect(condition, comment, sourceLocation: place)
  }

  func count(_ outcome: TransferOutcome) -> Int { if case .bytes(let count) = outcome { count } else { 0 } }

  func isEnd(_ outcome: TransferOutcome) -> Bool { if case .end = outcome { true } else { false } }
  func isFailed(_ outcome: TransferOutcome) -> Bool { if case .failed = outcome { true } else { false } }
  func isBlocked(_ outcome: TransferOutcome) -> Bool { if case .wouldBlock = outcome { true } else { false } }
}
