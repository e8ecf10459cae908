import Foundation
import Platform
import Primitives
import Testing

@testable import Engine

/// The kernel's network keeps the contract where TLS stands in between, as far as TLS can: what a short send refused must
/// be offered again before anything else, and the peer's end is told only behind its last byte.
struct SecureContractTests {
  static let kept: [NetworkContract] = [
    .acceptTellsThePeer, .listenersAreToldUntilAccepted, .acceptingCanRest, .connectSucceeds, .connectIsRefused,
    .anEdgeIsToldOnce, .aShortReceiveMeansNoMore, .twoRunsGoInOrder, .weMayEndOurHalf,
    .closeIsSeen, .closeMayReset, .aClosedSocketIsSilent,
  ]

  @Test(arguments: kept)
  func keeps(_ contract: NetworkContract) throws {
    let peers = try SecurePeers()
    let listener = ListenerSocket(peers.listeners[0], peers.settings)
    var network = try KernelNetwork(listeners: [listener], waker: peers.waker, roster: peers.roster)
    try contract.check(&network, peers)
    network.closeListeners()
    peers.waker.close()
  }
}

/// Peers that speak TLS on real sockets.
final class SecurePeers: ContractPeers {
  let roster = Roster()
  let backend: Int32
  let refusing: Int32
  /// Where the network accepts; it closes it when it likes.
  let listeners: [Int32]
  let waker: Waker
  /// The socket that `listeners` has a duplicate of.
  private let original: Int32
  let settings: Listener
  private let backendListener: Int32
  private let server: ServerTLS
  private let client: ClientTLS
  private let slot = UnsafeMutablePointer<TLSSessionSlot>.allocate(capacity: 1)
  private var channels: [TLSChannel?] = []
  private var isOpen: [Bool] = []
  /// Peers that were accepted and not asked for yet.
  private var waiting: [Int] = []

  init() throws {
    let any = Endpoint.tcp(IPAddress(v4: 0x7F00_0001), port: 0)
    original = try Socket.listen(on: any)
    listeners = [Socket.duplicate(original)]
    waker = try Waker()
    backendListener = try Socket.listen(on: any)
    let closed = try Socket.listen(on: any)
    var table = CertificateTable()
    table.add(try SecurePeers.certificate.get())
    server = try ServerTLS(ServerTLSSettings(), table)
    var settings = Listener(any)
    settings.tls = server
    self.settings = settings
    var careless = ClientTLSSettings()
    careless.verifies = false
    client = try ClientTLS(careless)
    slot.initialize(to: TLSSessionSlot())
    let shard = roster.number(ofShard: "s")
    let tls = ShardTLS(client, name: nil, digest: [])
    backend = roster.number(of: SecurePeers.backend(backendListener), shard: shard, check: nil, tls: tls)
    refusing = roster.number(of: SecurePeers.backend(closed), shard: shard, check: nil, tls: tls)
    Socket.close(closed, resetting: false)
  }

  deinit {
    for peer in channels.indices { close(peer) }
    slot.pointee.clear()
    slot.deallocate()
    Socket.close(original, resetting: false)
    Socket.close(backendListener, resetting: false)
  }

  private static func backend(_ socket: Int32) -> Backend {
    let port = Socket.localAddress(of: socket).port
    return Backend(endpoint: .tcp(IPAddress(v4: 0x7F00_0001), port: port), name: "127.0.0.1:\(port)")
  }

  private static let certificate = Result {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("gatehouse-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.currentDirectoryURL = folder
    process.arguments = [
      "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "k",
      "-out",
      "c", "-subj", "/CN=a.example",
    ]
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    func read(_ name: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: folder.appendingPathComponent(name))) }
    return try Certificate(chain: try read("c"), key: try read("k"))
  }

  private func add(_ channel: TLSChannel?) -> Int {
    channels.append(channel)
    isOpen.append(false)
    return channels.count - 1
  }

  func wake() { waker.wake() }

  func connectClient(_ listener: Int) -> Int {
    var address = Socket.localAddress(of: original)
    let socket = Socket.connect(to: &address)
    return add(TLSChannel(connecting: socket, client, name: nil, isAddress: false, sessions: slot))
  }

  func acceptBackend() -> Int? {
    settle()
    return waiting.isEmpty ? nil : waiting.removeFirst()
  }

  func settle() {
    var address = SocketAddress.empty
    let socket = Socket.accept(backendListener, &address.storage)
    if socket >= 0 { waiting.append(add(TLSChannel(accepting: socket, server))) }
    for peer in channels.indices { _ = open(peer) }
  }

  /// The channel of a peer once its handshake is through.
  private func open(_ peer: Int) -> TLSChannel? {
    guard let channel = channels[peer] else { return nil }
    channel.noteEvent(hasPeerEnded: false)
    if !isOpen[peer] { isOpen[peer] = channel.shakeHands() == .open }
    return isOpen[peer] ? channel : nil
  }

  func send(_ peer: Int, _ bytes: [UInt8]) -> Int { open(peer)?.send(bytes, bytes.count).count ?? 0 }

  func receive(_ peer: Int) -> PeerReading {
    guard let channel = open(peer) else { return .nothing }
    var memory = [UInt8](repeating: 0, count: 65_536)
    let transfer = channel.receive(into: &memory, capacity: memory.count)
    if transfer.count > 0 { return .bytes(Array(memory[0..<transfer.count])) }
    return transfer.stop == .ended ? .end : transfer.stop == .failed ? .reset : .nothing
  }

  func end(_ peer: Int) {
    guard let channel = open(peer) else { return }
    _ = channel.end()
    Socket.endSending(channel.socket)
  }

  func close(_ peer: Int) {
    guard let channel = channels[peer] else { return }
    if isOpen[peer] { _ = channel.end() }
    drop(peer, channel, resetting: false)
  }

  func reset(_ peer: Int) {
    guard let channel = channels[peer] else { return }
    drop(peer, channel, resetting: true)
  }

  private func drop(_ peer: Int, _ channel: TLSChannel, resetting: Bool) {
    let socket = channel.socket
    channel.free()
    Socket.close(socket, resetting: resetting)
    channels[peer] = nil
  }
}
