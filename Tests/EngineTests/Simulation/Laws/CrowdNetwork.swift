import Primitives

@testable import Engine

/// A network of many clients and one backend that costs next to nothing: each client comes, asks once and stays.
///
/// Clients are sockets from 0, connections to the backend sockets from `crowd`.
struct CrowdNetwork: ~Copyable, Network {
  private static let request = Array("GET /r/1 HTTP/1.1\r\nHost: t0.example\r\nUser-Agent: crowd\r\n\r\n".utf8)
  private static let response = Array("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello".utf8)

  let crowd: Int32
  private(set) var now = Instant(nanoseconds: 1_000 * .second)
  /// Clients let in so far, and how many may come.
  private(set) var come: Int32 = 0
  var mayCome: Int32 = 0
  /// Answers that clients got, and sockets of clients that were closed.
  private(set) var answers = 0
  private(set) var closed = 0
  /// What a client or the backend has to say, once.
  private var hasSaid: [Bool]
  /// Connections to the backend: their tokens, and whether each has been asked.
  private var upstreams: [(token: UInt64, isAsked: Bool)] = []
  private var news: [NetworkEvent] = []
  private var told: [NetworkEvent] = []

  /// Room for `crowd` clients.
  init(crowd: Int32) {
    self.crowd = crowd
    hasSaid = Array(repeating: false, count: Int(crowd))
  }

  mutating func refreshClock() {}
  func wallClock() -> Int64 { now.nanoseconds }

  mutating func wait(until deadline: Instant) -> Int {
    now = now.advanced(by: .microsecond)
    told = news
    news.removeAll(keepingCapacity: true)
    if come < mayCome { told.append(NetworkEvent(token: 0, kinds: .connectionsWait)) }
    return told.count
  }

  func event(_ index: Int) -> NetworkEvent { told[index] }

  mutating func accept(_ listener: Int, token: UInt64, peer: inout IPAddress, port: inout UInt16) -> OpenOutcome {
    guard come < mayCome else { return .none }
    (peer, port) = (IPAddress(v4: 0x0A00_0001), 1)
    news.append(NetworkEvent(token: token, kinds: [.readable, .writable]))
    come += 1
    return .opened(come - 1)
  }

  mutating func setAccepting(_ isAccepting: Bool) {}
  mutating func closeListeners() {}
  mutating func replaceListeners(_ sockets: [ListenerSocket]) {}
  var listenerCount: Int { 1 }

  mutating func connect(to backend: Int32, token: UInt64) -> OpenOutcome {
    news.append(NetworkEvent(token: token, kinds: .writable))
    upstreams.append((token, false))
    return .opened(crowd + Int32(upstreams.count - 1))
  }

  mutating func isConnected(_ socket: Int32) -> Bool { true }

  mutating func receive(_ socket: Int32, into: UnsafeMutablePointer<UInt8>, capacity: Int) -> TransferOutcome {
    if socket >= crowd {
      guard upstreams[Int(socket - crowd)].isAsked else { return .wouldBlock }
      upstreams[Int(socket - crowd)].isAsked = false
      return give(CrowdNetwork.response, into)
    }
    guard !hasSaid[Int(socket)] else { return .wouldBlock }
    hasSaid[Int(socket)] = true
    return give(CrowdNetwork.request, into)
  }

  private func give(_ bytes: [UInt8], _ into: UnsafeMutablePointer<UInt8>) -> TransferOutcome {
    bytes.withUnsafeBufferPointer { into.update(from: $0.baseAddress!, count: $0.count) }
    return .bytes(bytes.count)
  }

  mutating func send(_ socket: Int32, _ bytes: UnsafePointer<UInt8>, _ count: Int) -> TransferOutcome {
    if socket >= crowd {
      upstreams[Int(socket - crowd)].isAsked = true
      news.append(NetworkEvent(token: upstreams[Int(socket - crowd)].token, kinds: .readable))
    } else {
      answers += 1
    }
    return .bytes(count)
  }

  mutating func send(
    _ socket: Int32, _ first: UnsafePointer<UInt8>, _ firstCount: Int, _ second: UnsafePointer<UInt8>,
    _ secondCount: Int
  ) -> TransferOutcome {
    _ = send(socket, first, firstCount)
    return .bytes(firstCount + secondCount)
  }

  mutating func endSending(_ socket: Int32) {}

  mutating func close(_ socket: Int32, resetting: Bool) { if socket < crowd { closed += 1 } }
}
