import Engine
import Platform
import Tenancy

/// What a process and the one that takes its place say to each other.
///
/// In this order: the old one `hello`, `sockets` for each address, `listed`; the new one `prepared`; the old one `secrets`, and writes
/// nothing down any more; the new one `loaded`, with all done that can fail; the old one drains and sends `counts`, then
/// `take`; the new one accepts and says `ready`. Instead of any of its words the new one may say `failed`. From then on the
/// old one sends `counts` of requests in flight until it ends.
enum HandoverMessage: Sendable, Equatable {
  /// Raised whenever a message, or the meaning of a count, changes.
  static let version: UInt16 = 1
  private static let title = Array("gatehouse handover ".utf8)

  /// What is to be gone on with from the first.
  struct Hello: Sendable, Equatable {
    /// The configurations that were put into use.
    var generation: UInt64
    /// Upgrades that were done, and that failed.
    var upgrades: UInt64
    var failures: UInt64
  }

  /// What nobody else is to know.
  struct Secrets: Sendable, Equatable {
    var hashKeys: HashKeys
    var tickets: [Ticket]

    /// A key of TLS tickets.
    struct Ticket: Sendable, Equatable {
      var bytes: [UInt8]
      var made: Int64
    }
  }

  case hello(Hello)
  /// With the sockets as descriptors; an address of many sockets has several such messages.
  case sockets(InheritedSockets.Listener)
  /// There are no more addresses.
  case listed
  /// With the lock of the state as descriptor, if there is one.
  case secrets(Secrets)
  case counts([HandedCount])
  /// With an entry for the audit log, in JSON.
  case take(audit: [UInt8])
  case prepared
  case loaded
  case ready
  case failed(String)

  /// Why a message is none.
  enum Fault: Error, Equatable {
    case malformed
    case version(UInt16)
  }

  /// The message's bytes.
  var bytes: [UInt8] {
    var writer = HandoverWriter()
    switch self {
    case .hello(let hello):
      writer.add(UInt8(1))
      for byte in HandoverMessage.title { writer.add(byte) }
      writer.add(HandoverMessage.version)
      writer.add(hello.generation)
      writer.add(hello.upgrades)
      writer.add(hello.failures)
    case .sockets(let listener):
      writer.add(UInt8(2))
      writer.add(listener.use?.rawValue ?? .max)
      writer.add(UInt8(listener.isForeign ? 1 : 0))
      writer.add(listener.endpoint)
      writer.add(listener.bound)
    case .secrets(let secrets):
      writer.add(UInt8(3))
      writer.add(secrets.hashKeys.first)
      writer.add(secrets.hashKeys.second)
      for ticket in secrets.tickets {
        writer.add(ticket.bytes)
        writer.add(ticket.made)
      }
    case .counts(let counts):
      writer.add(UInt8(4))
      for count in counts { writer.add(count) }
    case .take(let audit):
      writer.add(UInt8(5))
      writer.add(audit)
    case .listed: writer.add(UInt8(6))
    case .prepared: writer.add(UInt8(17))
    case .loaded: writer.add(UInt8(18))
    case .ready: writer.add(UInt8(19))
    case .failed(let reason):
      writer.add(UInt8(20))
      writer.add(String(decoding: reason.utf8.prefix(HandoverMessage.longestReason), as: UTF8.self))
    }
    return writer.bytes
  }

  /// Bytes of a reason at most.
  static let longestReason = 16 << 10

  /// The message that these bytes are, with what came beside them.
  init(_ bytes: [UInt8], sockets: [Int32] = []) throws(Fault) {
    var reader = HandoverReader(bytes)
    guard let message = try HandoverMessage.read(&reader, sockets), reader.isAtEnd else { throw .malformed }
    self = message
  }

  private static func read(
    _ reader: inout HandoverReader, _ sockets: [Int32]
  ) throws(Fault) -> HandoverMessage? {
    switch reader.number(UInt8.self) {
    case 1: return try hello(&reader).map { .hello($0) }
    case 2: return listener(&reader, sockets).map { .sockets($0) }
    case 3: return secrets(&reader).map { .secrets($0) }
    case 4:
      var counts: [HandedCount] = []
      while !reader.isAtEnd {
        guard let count = reader.count() else { return nil }
        counts.append(count)
      }
      return .counts(counts)
    case 5: return reader.run().map { .take(audit: $0) }
    case 6: return .listed
    case 17: return .prepared
    case 18: return .loaded
    case 19: return .ready
    case 20: return reader.text().map { .failed($0) }
    default: return nil
    }
  }

  private static func hello(_ reader: inout HandoverReader) throws(Fault) -> Hello? {
    guard reader.plain(title.count) == title, let number = reader.number(UInt16.self) else { return nil }
    // What comes behind is for those of the same version to know.
    guard number == version else { throw .version(number) }
    guard let generation = reader.number(UInt64.self), let upgrades = reader.number(UInt64.self),
      let failures = reader.number(UInt64.self)
    else { return nil }
    return Hello(generation: generation, upgrades: upgrades, failures: failures)
  }

  private static func listener(_ reader: inout HandoverReader, _ sockets: [Int32]) -> InheritedSockets.Listener? {
    guard let use = reader.number(UInt8.self), let flag = reader.number(UInt8.self), flag <= 1,
      use == .max || InheritedSockets.Use(rawValue: use) != nil, let endpoint = reader.endpoint(),
      let bound = reader.endpoint()
    else { return nil }
    return InheritedSockets.Listener(
      use: InheritedSockets.Use(rawValue: use), endpoint: endpoint, bound: bound, sockets: sockets,
      isForeign: flag == 1)
  }

  private static func secrets(_ reader: inout HandoverReader) -> Secrets? {
    guard let first = reader.number(UInt64.self), let second = reader.number(UInt64.self) else { return nil }
    var secrets = Secrets(hashKeys: HashKeys(first: first, second: second), tickets: [])
    while !reader.isAtEnd {
      guard let bytes = reader.run(), let made = reader.number(Int64.self) else { return nil }
      secrets.tickets.append(Secrets.Ticket(bytes: bytes, made: made))
    }
    return secrets
  }
}
