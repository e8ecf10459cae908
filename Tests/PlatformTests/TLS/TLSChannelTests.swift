import Foundation
import Primitives
import Testing

@testable import Platform

/// Both sides of TLS over a connection of this machine, moved by hand.
@Suite struct TLSChannelTests {
  private let maker: CertificateMaker

  init() throws { maker = try CertificateMaker() }

  /// Two channels over one connection.
  private final class Pair {
    let client: TLSChannel
    let server: TLSChannel
    let slot = UnsafeMutablePointer<TLSSessionSlot>.allocate(capacity: 1)
    private let sockets: [Int32]

    init(
      _ serverTLS: ServerTLS, _ clientTLS: ClientTLS, name: String, isAddress: Bool = false, after: Pair? = nil,
      keepsMessages: Bool = false
    )
      throws
    {
      let (first, second) = try keepsMessages ? Pair.messages() : Pair.connection()
      sockets = [first, second]
      slot.initialize(to: TLSSessionSlot())
      if let after {
        slot.pointee = after.slot.pointee
        after.slot.pointee = TLSSessionSlot()
      }
      client = try #require(
        TLSChannel(connecting: first, clientTLS, name: name, isAddress: isAddress, sessions: slot))
      server = try #require(TLSChannel(accepting: second, serverTLS))
    }

    /// Both ends of a connection.
    private static func connection() throws -> (Int32, Int32) {
      let listener = try Socket.listen(on: .tcp(IPAddress(v4: 0x7F00_0001), port: 0))
      defer { Socket.close(listener, resetting: false) }
      var address = Socket.localAddress(of: listener)
      let first = Socket.connect(to: &address)
      let poller = try Events()
      #expect(poller.addListener(listener, token: 1))
      #expect(poller.wait(milliseconds: 5_000) == 1)
      var peer = SocketAddress.empty.storage
      return (first, Socket.accept(listener, &peer))
    }

    /// Both ends of a connection on which each send is received as one.
    private static func messages() throws -> (Int32, Int32) {
      var ends: [Int32] = [-1, -1]
      let kind = Int32(SOCK_SEQPACKET.rawValue | SOCK_NONBLOCK.rawValue)
      #expect(socketpair(AF_UNIX, kind, 0, &ends) == 0)
      return (ends[0], ends[1])
    }

    deinit {
      client.free()
      server.free()
      slot.pointee.clear()
      slot.deallocate()
      for socket in sockets { Socket.close(socket, resetting: false) }
    }

    /// Moves both handshakes as far as they go.
    func shakeHands() -> (client: TLSHandshake, server: TLSHandshake) {
      var (left, right) = (TLSHandshake.underWay, TLSHandshake.underWay)
      for _ in 0..<1_000 where left == .underWay || right == .underWay {
        client.noteEvent(hasPeerEnded: false)
        server.noteEvent(hasPeerEnded: false)
        if left == .underWay { left = client.shakeHands() }
        if right == .underWay { right = server.shakeHands() }
        if left == .failed { Socket.endSending(client.socket) }
        if right == .failed { Socket.endSending(server.socket) }
      }
      return (left, right)
    }

    /// Receives at one side until `count` bytes came or it says why not.
    func receive(_ channel: TLSChannel, _ count: Int) -> (bytes: [UInt8], stop: TLSStop) {
      var bytes: [UInt8] = []
      var buffer = [UInt8](repeating: 0, count: 50_000)
      for _ in 0..<10_000 where bytes.count < count {
        channel.noteEvent(hasPeerEnded: false)
        let transfer = channel.receive(into: &buffer, capacity: min(buffer.count, count - bytes.count))
        bytes += buffer[0..<transfer.count]
        if transfer.stop == .ended || transfer.stop == .failed { return (bytes, transfer.stop) }
      }
      return (bytes, .done)
    }
  }

  private func sides(
    _ settings: ServerTLSSettings = ServerTLSSettings(), verifies: Bool = true
  ) throws -> (ServerTLS, ClientTLS) {
    let made = try maker.make("a.example")
    var table = CertificateTable()
    table.add(try Certificate(chain: made.chain, key: made.key))
    var client = ClientTLSSettings()
    client.authorities = made.chain
    client.verifies = verifies
    return (try ServerTLS(settings, table), try ClientTLS(client))
  }

  @Test func bytesPassBothWays() throws {
    let (server, client) = try sides()
    let pair = try Pair(server, client, name: "a.example")
    #expect(pair.shakeHands() == (.open, .open))
    #expect(pair.server.serverName.elementsEqual("a.example".utf8))
    #expect(pair.server.negotiatedProtocol.isEmpty)
    #expect(pair.client.send([1, 2, 3], 3).count == 3)
    #expect(pair.receive(pair.server, 3).bytes == [1, 2, 3])
    #expect(pair.server.send([4], 1).count == 1)
    #expect(pair.receive(pair.client, 1).bytes == [4])
  }

  @Test func whatDoesNotFitIsOfferedAgain() throws {
    let (server, client) = try sides()
    let pair = try Pair(server, client, name: "a.example")
    #expect(pair.shakeHands() == (.open, .open))
    let bytes = (0..<20_000_000).map { UInt8(truncatingIfNeeded: $0 >> 3) }
    var sent = 0
    var got: [UInt8] = []
    while got.count < bytes.count {
      // From another place each time, and cut elsewhere.
      let piece = Array(bytes[sent...].prefix(1_000_000 + sent % 7))
      if !piece.isEmpty {
        let transfer = pair.server.send(piece, piece.count)
        #expect(transfer.stop == .done || transfer.stop == .needsOutput)
        sent += transfer.count
      }
      got += pair.receive(pair.client, min(300_000, sent - got.count)).bytes
    }
    #expect(got == bytes)
  }

  @Test func whatDoesNotFitIsOfferedAgainInBatches() throws {
    let (server, client) = try sides()
    let pair = try Pair(server, client, name: "a.example")
    #expect(pair.shakeHands() == (.open, .open))
    let batch = TLSBatch.make()
    defer { TLSBatch.free(batch) }
    let bytes = (0..<20_000_000).map { UInt8(truncatingIfNeeded: $0 >> 3 ^ $0 >> 11) }
    var sent = 0
    var wasBlocked = false
    var got: [UInt8] = []
    while got.count < bytes.count {
      // From another place each time, cut elsewhere, and in two runs that meet anywhere.
      let piece = Array(bytes[sent...].prefix(1_000_000 + sent % 7))
      if !piece.isEmpty {
        let first = sent % (piece.count + 1)
        let transfer = piece.withUnsafeBufferPointer {
          pair.server.send(
            $0.baseAddress!, first, $0.baseAddress! + first, piece.count - first, through: batch)
        }
        #expect(transfer.stop == .done || transfer.stop == .needsOutput)
        wasBlocked = wasBlocked || transfer.stop == .needsOutput
        sent += transfer.count
      }
      got += pair.receive(pair.client, min(300_000, sent - got.count)).bytes
    }
    #expect(wasBlocked)
    #expect(got == bytes)
    #expect(pair.server.end())
    #expect(pair.receive(pair.client, 1) == ([], .ended))
  }

  @Test func fourRecordsGoOutInOneCall() throws {
    let (server, client) = try sides()
    let pair = try Pair(server, client, name: "a.example", keepsMessages: true)
    #expect(pair.shakeHands() == (.open, .open))
    let batch = TLSBatch.make()
    defer { TLSBatch.free(batch) }
    let bytes = [UInt8](repeating: 1, count: 5 * TLSBatch.recordSize)
    let transfer = bytes.withUnsafeBufferPointer {
      pair.server.send($0.baseAddress!, 100, $0.baseAddress! + 100, bytes.count - 100, through: batch)
    }
    #expect(transfer.count == bytes.count && transfer.stop == .done)
    var message = [UInt8](repeating: 0, count: 100_000)
    var sizes: [Int] = []
    while true {
      let count = Socket.receive(pair.client.socket, &message, message.count)
      guard count > 0 else { break }
      // The ticket comes first.
      if count > 1_000 { sizes.append(count) }
    }
    #expect(sizes.count == 2)
    #expect(sizes.first.map { $0 > 4 * TLSBatch.recordSize } ?? false)
  }

  @Test func whoTheClientIs() throws {
    let made = try maker.make("A.example", "*.b.example", file: "client")
    var settings = ServerTLSSettings()
    settings.clientCertificates = .required
    settings.authorities = made.chain
    let (server, _) = try sides(settings)
    var own = ClientTLSSettings()
    own.verifies = false
    own.certificate = try Certificate(chain: made.chain, key: made.key)
    let pair = try Pair(server, ClientTLS(own), name: "a.example")
    #expect(pair.shakeHands() == (.open, .open))
    let names = pair.server.clientNames.all
    #expect(names.map(\.kind) == [.dns, .dns, .commonName, .subject])
    #expect(names.map(\.text) == ["a.example", "*.b.example", "common.example", "CN=common.example"])
    #expect(pair.client.clientNames.isEmpty)
  }

  @Test func whyAHandshakeFails() throws {
    let (server, client) = try sides()
    let stranger = try Pair(server, ClientTLS(ClientTLSSettings()), name: "a.example")
    #expect(stranger.shakeHands() == (.failed, .failed))
    #expect(stranger.client.failure.kind == .certificate)
    #expect(stranger.client.failure.text == "self-signed certificate")
    #expect(stranger.server.failure.kind == .alert)
    let misnamed = try Pair(server, client, name: "b.example")
    #expect(misnamed.shakeHands().client == .failed)
    #expect(misnamed.client.failure.text == "hostname mismatch")
    let gone = try Pair(server, client, name: "a.example")
    Socket.endSending(gone.client.socket)
    gone.server.noteEvent(hasPeerEnded: true)
    #expect(gone.server.shakeHands() == .failed)
    #expect(gone.server.failure.kind == .closed)
    var other = ServerTLSSettings()
    other.protocols = ["h2"]
    let (strict, plain) = try sides(other)
    let silent = try Pair(strict, plain, name: "a.example")
    #expect(silent.shakeHands().server == .failed)
    #expect(silent.server.failure.kind == .agreement)
  }

  @Test func anEndIsTold() throws {
    let (server, client) = try sides()
    let pair = try Pair(server, client, name: "a.example")
    #expect(pair.shakeHands() == (.open, .open))
    #expect(pair.server.send([1], 1).count == 1)
    #expect(pair.server.end())
    #expect(pair.server.end())
    #expect(pair.receive(pair.client, 2) == ([1], .ended))
    #expect(pair.client.isAtEnd())
    #expect(pair.server.send([2], 1).stop == .failed)
    #expect(pair.client.send([3], 1).count == 1)
    #expect(pair.receive(pair.server, 1).bytes == [3])
  }

  @Test func anEndThatIsNotToldIsAFailure() throws {
    let (server, client) = try sides()
    let pair = try Pair(server, client, name: "a.example")
    #expect(pair.shakeHands() == (.open, .open))
    #expect(pair.server.send([1], 1).count == 1)
    Socket.endSending(pair.server.socket)
    #expect(pair.receive(pair.client, 2) == ([1], .failed))
    #expect(pair.client.isAtEnd())
  }

  @Test func whatCameBeforeASendFailedIsReceived() throws {
    let (server, client) = try sides()
    let pair = try Pair(server, client, name: "a.example")
    #expect(pair.shakeHands() == (.open, .open))
    #expect(pair.server.send([1], 1).count == 1)
    Socket.endSending(pair.client.socket)
    #expect(pair.client.send([2], 1).stop == .failed)
    #expect(pair.receive(pair.client, 1).bytes == [1])
    #expect(pair.client.end())
  }

  @Test func aDrainedSocketIsNotAskedAgain() throws {
    let (server, client) = try sides()
    let pair = try Pair(server, client, name: "a.example")
    #expect(pair.shakeHands() == (.open, .open))
    var byte: UInt8 = 0
    pair.server.noteEvent(hasPeerEnded: false)
    #expect(pair.server.receive(into: &byte, capacity: 1).stop == .needsInput)
    #expect(pair.client.send([1], 1).count == 1)
    #expect(pair.server.receive(into: &byte, capacity: 1).stop == .needsInput)
    #expect(pair.receive(pair.server, 1).bytes == [1])
  }

  @Test func whoTheBackendMustBe() throws {
    let (server, client) = try sides()
    #expect(try Pair(server, client, name: "b.example").shakeHands().client == .failed)
    #expect(try Pair(server, client, name: "127.0.0.1", isAddress: true).shakeHands().client == .failed)
    #expect(try Pair(server, ClientTLS(ClientTLSSettings()), name: "a.example").shakeHands() == (.failed, .failed))
    let (other, careless) = try sides(verifies: false)
    #expect(try Pair(other, careless, name: "b.example").shakeHands() == (.open, .open))
  }

  @Test(arguments: [TLSVersion.v12, .v13]) func sessionsAreResumed(_ version: TLSVersion) throws {
    var settings = ServerTLSSettings()
    settings.versions = version...version
    settings.tickets = TicketKeys()
    let (server, client) = try sides(settings)
    let first = try Pair(server, client, name: "a.example")
    #expect(first.shakeHands() == (.open, .open))
    #expect(!first.server.isResumed)
    #expect(first.server.send([1], 1).count == 1)
    #expect(first.receive(first.client, 1).bytes == [1])
    let second = try Pair(server, client, name: "a.example", after: first)
    #expect(second.shakeHands() == (.open, .open))
    #expect(second.server.isResumed && second.client.isResumed)
  }

  @Test func versionsThatDoNotMeet() throws {
    var settings = ServerTLSSettings()
    settings.versions = .v13 ... .v13
    settings.suites = "TLS_NONSENSE"
    #expect(throws: TLSFault.self) { _ = try ServerTLS(settings, CertificateTable()) }
    let (_, client) = try sides()
    let empty = try ServerTLS(ServerTLSSettings(), CertificateTable())
    #expect(try Pair(empty, client, name: "a.example").shakeHands() == (.failed, .failed))
  }
}
