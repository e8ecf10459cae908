import Platform
import Primitives
import Testing

@testable import Engine

/// The kernel's network keeps the contract, over TCP of this machine.
struct KernelContractTests {
  @Test(arguments: NetworkContract.allCases)
  func keeps(_ contract: NetworkContract) throws {
    let peers = try KernelPeers()
    var network = try KernelNetwork(
      listeners: [ListenerSocket(peers.first)], waker: peers.waker, roster: peers.roster)
    try contract.check(&network, peers)
    network.closeListeners()
    peers.waker.close()
  }
}

/// Peers on real sockets.
final class KernelPeers: ContractPeers {
  let roster = Roster()
  let backend: Int32
  let refusing: Int32
  /// The listening sockets, of which the network gets duplicates: it closes what it has when it likes.
  private let originals: [Int32]
  let first: Int32
  lazy var listeners = [first, Socket.duplicate(originals[1])]
  let waker: Waker
  private let backendListener: Int32
  private var sockets: [Int32] = []

  init() throws {
    let any = Endpoint.tcp(IPAddress(v4: 0x7F00_0001), port: 0)
    originals = [try Socket.listen(on: any), try Socket.listen(on: any)]
    first = Socket.duplicate(originals[0])
    waker = try Waker()
    backendListener = try Socket.listen(on: any)
    // A port that was free a moment ago and has no listener.
    let closed = try Socket.listen(on: any)
    let shard = roster.number(ofShard: "s")
    backend = roster.number(of: KernelPeers.backend(backendListener), shard: shard, check: nil)
    refusing = roster.number(of: KernelPeers.backend(closed), shard: shard, check: nil)
    Socket.close(closed, resetting: false)
  }

  deinit {
    for socket in sockets where socket >= 0 { Socket.close(socket, resetting: false) }
    for socket in originals { Socket.close(socket, resetting: false) }
    Socket.close(backendListener, resetting: false)
  }

  private static func backend(_ socket: Int32) -> Backend {
    let port = Socket.localAddress(of: socket).port
    return Backend(endpoint: .tcp(IPAddress(v4: 0x7F00_0001), port: port), name: "127.0.0.1:\(port)")
  }

  func wake() { waker.wake() }

  func connectClient(_ listener: Int) -> Int {
    var address = Socket.localAddress(of: originals[listener])
    sockets.append(Socket.connect(to: &address))
    return sockets.count - 1
  }

  func acceptBackend() -> Int? {
    var address = SocketAddress.empty
    let socket = Socket.accept(backendListener, &address.storage)
    guard socket >= 0 else { return nil }
    sockets.append(socket)
    return sockets.count - 1
  }

  func send(_ peer: Int, _ bytes: [UInt8]) -> Int { max(0, Socket.send(sockets[peer], bytes, bytes.count)) }

  func receive(_ peer: Int) -> PeerReading {
    var memory = [UInt8](repeating: 0, count: 65_536)
    let count = Socket.receive(sockets[peer], &memory, memory.count)
    if count > 0 { return .bytes(Array(memory[0..<count])) }
    if count == 0 { return .end }
    return Socket.wouldBlock ? .nothing : .reset
  }

  func end(_ peer: Int) { Socket.endSending(sockets[peer]) }

  func close(_ peer: Int) {
    Socket.close(sockets[peer], resetting: false)
    sockets[peer] = -1
  }

  func reset(_ peer: Int) {
    Socket.close(sockets[peer], resetting: true)
    sockets[peer] = -1
  }

  func settle() {}
}
