import Primitives

/// A message's first line and fields, as the scripts see them.
struct Head {
  var line: String
  var fields: [(name: String, value: String)]

  /// The values of a field, by lower-case name.
  func values(_ name: String) -> [String] { fields.filter { $0.name == name }.map(\.value) }

  var status: Int { Int(line.split(separator: " ").dropFirst().first ?? "") ?? 0 }
  var method: String { String(line.split(separator: " ").first ?? "") }
  var target: String { String(line.split(separator: " ").dropFirst().first ?? "") }
  var closes: Bool { values("connection").joined(separator: ",").lowercased().contains("close") }
  var keepsAlive: Bool { values("connection").joined(separator: ",").lowercased().contains("keep-alive") }
}

/// Reads messages of one way of a connection, as strictly as anybody may: what it calls bad should never be sent.
struct MessageReader {
  /// What was read.
  enum Item {
    case head(Head)
    case body([UInt8])
    case end(trailers: [(name: String, value: String)])
    case bad(String)
  }

  private enum State {
    case head, fixed(Int), chunkSize, chunk(Int), chunkEnd, trailers, untilClose, raw, stopped
  }

  private var bytes = ByteQueue()
  private var state = State.head
  private let readsResponses: Bool
  /// For responses: the method of the request each one answers, the oldest first.
  var methods: [String] = []

  init(responses: Bool) { readsResponses = responses }

  /// Whether a message has begun and is not at its end.
  var isAmid: Bool {
    switch state {
    case .head: !bytes.isEmpty
    case .stopped, .raw: false
    default: true
    }
  }
  /// Whether a head has been read and its body goes on.
  var isInBody: Bool { if case .head = state { false } else { isAmid } }
  /// Bytes that were fed and not used.
  var unused: Int { bytes.count }
  var isUntilClose: Bool { if case .untilClose = state { true } else { false } }

  mutating func feed(_ more: [UInt8]) { bytes.append(more) }

  /// From here on bytes are no messages.
  mutating func becomeRaw() { state = .raw }

  /// The sender ended in order: completes a message that lasts until then.
  mutating func endInput() -> Item? {
    guard isUntilClose, bytes.isEmpty else { return nil }
    state = .stopped
    return .end(trailers: [])
  }

  mutating func next() -> Item? {
    switch state {
    case .stopped: return nil
    case .head: return readHead()
    case .fixed(let rest): return readBody(rest) { .fixed($0) }
    case .chunk(let rest): return readBody(rest) { .chunk($0) }
    case .untilClose, .raw: return bytes.isEmpty ? nil : .body(bytes.take(.max))
    case .chunkSize: return readChunkSize()
    case .chunkEnd:
      guard bytes.count >= 2 else { return nil }
      guard bytes.take(2) == [13, 10] else { return stop("a chunk without its line end") }
      state = .chunkSize
      return next()
    case .trailers: return readTrailers()
    }
  }

  private mutating func stop(_ reason: String) -> Item {
    state = .stopped
    return .bad(reason)
  }

  private mutating func readBody(_ rest: Int, _ state: (Int) -> State) -> Item? {
    if rest == 0 {
      if case .fixed = self.state {
        self.state = .head
        return .end(trailers: [])
      }
      self.state = .chunkEnd
      return next()
    }
    guard !bytes.isEmpty else { return nil }
    let piece = bytes.take(rest)
    self.state = state(rest - piece.count)
    return .body(piece)
  }

  private mutating func readChunkSize() -> Item? {
    guard let end = bytes.find([13, 10]) else { return bytes.count > 40 ? stop("a long chunk size") : nil }
    let text = String(decoding: bytes.take(end + 2).dropLast(2), as: UTF8.self)
    guard let size = Int(text, radix: 16), size >= 0, !text.hasPrefix("+") else { return stop("chunk size '\(text)'") }
    state = size == 0 ? .trailers : .chunk(size)
    return next()
  }

  private mutating func readTrailers() -> Item? {
    if bytes.count >= 2, bytes[0] == 13, bytes[1] == 10 {
      _ = bytes.take(2)
      state = .head
      return .end(trailers: [])
    }
    guard let end = bytes.find([13, 10, 13, 10]) else { return nil }
    let lines = Self.lines(bytes.take(end + 4))
    guard let fields = Self.fields(lines[...]) else { return stop("a malformed trailer") }
    state = .head
    return .end(trailers: fields)
  }

  private static func lines(_ bytes: [UInt8]) -> [String] {
    var lines: [String] = []
    var line: [UInt8] = []
    for byte in bytes {
      if byte == 10, line.last == 13 {
        lines.append(String(decoding: line.dropLast(), as: UTF8.self))
        line = []
      } else {
        line.append(byte)
      }
    }
    return Array(lines.drop { $0.isEmpty }.prefix { !$0.isEmpty })
  }

  private static func fields(_ lines: ArraySlice<String>) -> [(name: String, value: String)]? {
    var fields: [(name: String, value: String)] = []
    for line in lines {
      guard let colon = line.utf8.firstIndex(of: 58), colon > line.startIndex else { return nil }
      let name = line[..<colon]
      guard !name.utf8.contains(where: { $0 <= 32 || $0 >= 127 || $0 == 13 || $0 == 10 }) else { return nil }
      var value = line[line.utf8.index(after: colon)...]
      while value.first == " " { value.removeFirst() }
      while value.last == " " { value.removeLast() }
      guard !value.utf8.contains(where: { $0 < 32 && $0 != 9 || $0 == 127 }) else { return nil }
      fields.append((name.lowercased(), String(value)))
    }
    return fields
  }

  /// The head in `bytes`, which hold nothing else.
  static func head(_ bytes: [UInt8]) -> Head? {
    let lines = lines(bytes)
    guard let line = lines.first, let fields = fields(lines.dropFirst()) else { return nil }
    return Head(line: line, fields: fields)
  }

  /// The trailers in `bytes`, which hold nothing else.
  static func trailers(_ bytes: [UInt8]) -> [(name: String, value: String)]? { fields(lines(bytes)[...]) }

  private mutating func readHead() -> Item? {
    guard let end = bytes.find([13, 10, 13, 10]) else {
      return bytes.count > 300_000 ? stop("a head without end") : nil
    }
    let lines = Self.lines(bytes.take(end + 4))
    guard let line = lines.first, let fields = Self.fields(lines.dropFirst()) else { return stop("a malformed head") }
    let head = Head(line: line, fields: fields)
    let isVersioned =
      readsResponses ? line.hasPrefix("HTTP/1.") : line.hasSuffix(" HTTP/1.1") || line.hasSuffix(" HTTP/1.0")
    guard isVersioned else { return stop("the first line '\(line)'") }
    if let reason = frame(head) { return stop(reason) }
    return .head(head)
  }

  /// Finds out how the body is delimited; returns what is wrong, if anything is.
  private mutating func frame(_ head: Head) -> String? {
    let lengths = head.values("content-length")
    let codings = head.values("transfer-encoding")
    if lengths.count > 1 || codings.count > 1 || !lengths.isEmpty && !codings.isEmpty {
      return "ambiguous framing: \(lengths) \(codings)"
    }
    if let coding = codings.first, coding != "chunked" { return "transfer coding '\(coding)'" }
    guard lengths.allSatisfy({ $0.utf8.allSatisfy { 48...57 ~= $0 } && Int($0) != nil }) else {
      return "length \(lengths)"
    }
    if readsResponses {
      let status = head.status
      guard (100...599).contains(status) else { return "status of '\(head.line)'" }
      guard let method = methods.first else { return "a response nobody asked for: '\(head.line)'" }
      if status < 200, status != 101 {
        state = codings.isEmpty ? .head : .chunkSize
        return lengths.isEmpty && codings.isEmpty ? nil : "an interim response with a body"
      }
      methods.removeFirst()
      if status == 101 {
        state = .raw
        return nil
      }
      if status == 204, !(lengths + codings).isEmpty { return "204 with a body" }
      if method == "HEAD" || status == 204 || status == 304 {
        state = .fixed(0)
        return nil
      }
      if codings.isEmpty, lengths.isEmpty {
        state = .untilClose
        return nil
      }
    }
    state = codings.isEmpty ? .fixed(Int(lengths.first ?? "0")!) : .chunkSize
    return nil
  }
}
