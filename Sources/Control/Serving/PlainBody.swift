/// Reads a request's body to its end and counts it; keeps it only where it has a bound.
struct PlainBody {
  /// Bytes of a chunk's size line, extensions included, and of one trailer line.
  static let lineBound = 256
  /// Trailer lines.
  static let trailerBound = 64

  /// How long the client may take for the next piece.
  let patience: Duration
  /// Bytes that are kept at most; `nil` keeps none and takes any number.
  let bound: Int?
  /// What was kept.
  private(set) var kept: [UInt8] = []
  /// Whether the body had more than the bound.
  private(set) var isTooLarge = false

  /// A body of at most `bound` bytes.
  init(patience: Duration, bound: Int? = nil) {
    self.patience = patience
    self.bound = bound
  }

  /// Consumes the body from `channel`; returns its bytes, or `nil` when it is malformed, breaks off or is too large.
  mutating func take(_ framing: PlainRequest.Framing, _ channel: inout PlainChannel) -> Int64? {
    switch framing {
    case .none: 0
    case .length(let count): skip(count, &channel) ? count : nil
    case .chunked: countChunks(&channel)
    }
  }

  private mutating func skip(_ count: Int64, _ channel: inout PlainChannel) -> Bool {
    var left = count
    if let bound, count > Int64(bound - kept.count) {
      isTooLarge = true
      return false
    }
    while left > 0 {
      if channel.pending.isEmpty, !receive(&channel) { return false }
      let taken = min(left, Int64(channel.pending.count))
      if bound != nil { kept += channel.pending.prefix(Int(taken)) }
      channel.consume(Int(taken))
      left -= taken
    }
    return true
  }

  private mutating func countChunks(_ channel: inout PlainChannel) -> Int64? {
    var total: Int64 = 0
    while true {
      guard let line = line(&channel) else { return nil }
      let digits = line.prefix { $0 != UInt8(ascii: ";") && $0 != 0x20 && $0 != 0x09 }
      guard !digits.isEmpty, digits.count <= 15, digits.first != UInt8(ascii: "+"), digits.first != UInt8(ascii: "-"),
        let size = Int64(String(decoding: digits, as: UTF8.self), radix: 16)
      else { return nil }
      if size == 0 { return skipTrailers(&channel) ? total : nil }
      guard skip(size, &channel), let end = self.line(&channel), end.isEmpty else { return nil }
      total &+= size
    }
  }

  private func skipTrailers(_ channel: inout PlainChannel) -> Bool {
    for _ in 0...PlainBody.trailerBound {
      guard let line = line(&channel) else { return false }
      if line.isEmpty { return true }
    }
    return false
  }

  /// The next line without its CRLF.
  private func line(_ channel: inout PlainChannel) -> [UInt8]? {
    while true {
      if let end = channel.pending.prefix(PlainBody.lineBound).firstIndex(of: 0x0A) {
        let line = channel.pending[..<end]
        guard line.last == 0x0D else { return nil }
        let text = Array(line.dropLast())
        channel.consume(line.count + 1)
        return text
      }
      if channel.pending.count >= PlainBody.lineBound || !receive(&channel) { return nil }
    }
  }

  private func receive(_ channel: inout PlainChannel) -> Bool {
    channel.receive(until: ContinuousClock().now + patience)
  }
}
