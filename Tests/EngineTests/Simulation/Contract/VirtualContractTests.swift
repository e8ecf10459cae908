import Primitives
import Testing

@testable import Engine

/// The virtual network keeps the contract, in every weather.
struct VirtualContractTests {
  @Test(arguments: NetworkContract.allCases)
  func keeps(_ contract: NetworkContract) throws {
    for seed in 1...8 as ClosedRange<UInt64> {
      let peers = VirtualPeers(seed: seed)
      defer { peers.world.end() }
      var network = VirtualNetwork(peers.world, listeners: 1)
      try contract.check(&network, peers)
      #expect(peers.complaints.isEmpty)
    }
  }

  @Test func aProcessWithoutDescriptorsOpensNothing() {
    let peers = VirtualPeers(seed: 1)
    defer { peers.world.end() }
    var network = VirtualNetwork(peers.world, listeners: 1)
    peers.world.descriptorBound = 0
    _ = peers.connectClient()
    peers.settle()
    var address = IPAddress(high: 0, low: 0)
    var port: UInt16 = 0
    guard case .exhausted = network.accept(0, token: 1, peer: &address, port: &port) else {
      Issue.record("accepted")
      return
    }
    guard case .exhausted = network.connect(to: peers.backend, token: 1) else {
      Issue.record("connected")
      return
    }
  }

  @Test func aClosedDescriptorIsNotUsedAgainInSilence() throws {
    let peers = VirtualPeers(seed: 1)
    defer { peers.world.end() }
    var network = VirtualNetwork(peers.world, listeners: 1)
    var bench = ContractBench(peers: peers)
    let (_, socket) = try bench.accepted(&network)
    network.close(socket, resetting: false)
    network.close(socket, resetting: false)
    #expect(peers.complaints.count == 1)
  }
}

/// Peers in a virtual world.
final class VirtualPeers: ContractPeers, PeerScript, Server {
  let world: World
  private(set) var complaints: [String] = []
  private var links: [Link] = []
  private var greeted: [Link] = []
  let backend: Int32 = 1
  let refusing: Int32 = 2

  init(seed: UInt64) {
    world = World(seed: seed, climate: .calm)
    world.servers[backend] = self
    world.complain = { [unowned self] in complaints.append($0) }
  }

  func wake(_ link: Link) {}

  func greet(_ link: Link) -> Greeting {
    greeted.append(link)
    return .take(self)
  }

  let listeners: [Int32] = [0, 1]

  func wake() { world.networks[0].isWoken = true }

  func connectClient(_ listener: Int) -> Int {
    links.append(world.connect(self, listener: listener, from: IPAddress(v4: 3), port: 77))
    return links.count - 1
  }

  func acceptBackend() -> Int? {
    guard !greeted.isEmpty else { return nil }
    links.append(greeted.removeFirst())
    return links.count - 1
  }

  func send(_ peer: Int, _ bytes: [UInt8]) -> Int { links[peer].write(bytes[...]) }

  func receive(_ peer: Int) -> PeerReading {
    let link = links[peer]
    let bytes = link.read()
    if !bytes.isEmpty { return .bytes(bytes) }
    return link.peerIsReset ? .reset : link.hasOrderlyEnd ? .end : .nothing
  }

  func end(_ peer: Int) { links[peer].endPeer() }
  func close(_ peer: Int) { links[peer].closePeer() }
  func reset(_ peer: Int) { links[peer].abortPeer() }
  func settle() { while world.advance(noLaterThan: .distantFuture) {} }
}
