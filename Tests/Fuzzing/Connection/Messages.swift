import HTTP
import HTTPReference

/// A message as the slow readers see it.
struct Message: Equatable {
  var head: ReferenceHead
  var body: [UInt8] = []
  /// Whether its end was seen.
  var isWhole = false

  /// A field's value, the last one if there are several.
  func value(_ name: String) -> String? {
    head.values(name).last.map { String(decoding: $0, as: UTF8.self) }
  }

  var first: String { String(decoding: head.first[0], as: UTF8.self) }
}

/// A stream cut into messages by the slow readers.
struct Messages {
  private(set) var all: [Message] = []
  /// Bytes that are no whole message.
  private(set) var rest: ArraySlice<UInt8>
  /// Whether the stream can't go on as messages.
  private(set) var isBroken = false

  /// Whether what is no message is at least as long as a head.
  var hasWholeHead: Bool { String(decoding: rest, as: UTF8.self).contains("\r\n\r\n") }

  /// The requests of a client's stream.
  static func requests(_ bytes: [UInt8]) -> Messages { Messages(bytes) { _ in .request } }

  /// The requests of a stream to an origin.
  static func forwarded(_ bytes: [UInt8]) -> Messages { Messages(bytes) { _ in .forwarded } }

  /// The responses of a stream to requests of these methods, but no interim ones. `isOver` tells that the stream has
  /// ended in order, and with it a body that nothing else ends.
  static func responses(_ bytes: [UInt8], to methods: [String], isOver: Bool) -> Messages {
    Messages(bytes, isOver: isOver) { .response(toHead: $0 < methods.count && methods[$0] == "HEAD") }
  }

  private init(_ bytes: [UInt8], isOver: Bool = false, _ kind: (_ finals: Int) -> ReferenceParser.Kind) {
    rest = bytes[...]
    while !rest.isEmpty, let head = ReferenceParser(kind: kind(all.count)).parse(Array(rest)) {
      var message = Message(head: head)
      var after = rest.dropFirst(head.length)
      takeBody(&message, &after, isOver)
      // Interim: three digits, where a request has its method.
      let isInterim = message.first.count == 3 && message.first.first == "1" && message.first != "101"
      if !isInterim { all.append(message) }
      guard message.isWhole else { return }
      rest = after
      if message.first == "101" { return }
    }
    isBroken = !rest.isEmpty
  }

  private mutating func takeBody(_ message: inout Message, _ rest: inout ArraySlice<UInt8>, _ isOver: Bool) {
    switch message.head.framing {
    case .none: message.isWhole = true
    case .length:
      message.body = Array(rest.prefix(Int(clamping: message.head.contentLength)))
      rest = rest.dropFirst(message.body.count)
      message.isWhole = message.body.count == Int(message.head.contentLength)
    case .chunked:
      let chunks = ReferenceChunks(Array(rest))
      message.body = chunks.data
      guard chunks.state == .trailers else { return isBroken = chunks.state == .bad }
      let trailers = Array(rest.dropFirst(chunks.consumed))
      guard let section = ReferenceParser.trailers(trailers) else { return }
      rest = rest.dropFirst(chunks.consumed + section.length)
      message.isWhole = true
    case .untilClose:
      message.body = Array(rest)
      message.isWhole = isOver
      rest = []
    }
  }
}
