import Primitives

extension HeadText {
  /// Makes a request head of the block that `decoder` has begun with; false when the block can't be decoded.
  ///
  /// `endsStream` tells that no body follows; then a Content-Length above 0 is malformed. A body of unknown length is
  /// said to be chunked.
  mutating func readRequest(_ decoder: inout HPACKDecoder, endsStream: Bool) -> Bool {
    var isPseudo = true
    while outcome == .complete {
      let place = isPseudo ? pseudo + fields.end : bytes + count
      let room = HeadText.room(behind: isPseudo ? fields.end : count)
      switch decoder.next(into: place, capacity: room) {
      case .field:
        if isPseudo, decoder.nameCount > 0, place[0] == Octet.colon {
          takePseudo(place, decoder.nameCount, decoder.valueCount)
          continue
        }
        if isPseudo {
          isPseudo = false
          guard startFields() else { continue }
          (bytes + count).update(from: place, count: decoder.nameCount &+ 2 &+ decoder.valueCount)
        }
        takeField(decoder.nameCount, decoder.valueCount)
      case .tooLong: outcome = .tooLarge
      case .malformed: return false
      case .end:
        if isPseudo, !startFields() { return true }
        endRequest(endsStream)
        return true
      }
    }
    return skipRest(&decoder)
  }

  /// Takes a pseudo-field (RFC 9113 §8.3.1) that was decoded to `place`.
  private mutating func takePseudo(_ place: UnsafeMutablePointer<UInt8>, _ nameCount: Int, _ valueCount: Int) {
    guard let name = HeadText.pseudoName(place, nameCount) else { return refuse() }
    limit.note(nameCount, valueCount)
    guard limit.size <= limit.sizeBound else {
      outcome = name == .path ? .targetTooLong : .tooLarge
      return
    }
    let start = fields.end &+ nameCount &+ 2
    let range = ByteRange(narrow(start), narrow(start &+ valueCount))
    guard HeadText.isPseudoValue(name, pseudo + start, valueCount), fields.take(name, range) else { return refuse() }
    fields.end = Int(range.end)
  }

  private static func pseudoName(_ p: UnsafePointer<UInt8>, _ count: Int) -> PseudoFields.Name? {
    switch count {
    case 5 where ByteComparison.areEqual(p, 5, ":path"): .path
    case 7 where ByteComparison.areEqual(p, 7, ":method"): .method
    case 7 where ByteComparison.areEqual(p, 7, ":scheme"): .scheme
    case 9 where ByteComparison.areEqual(p, 9, ":protocol"): .connectProtocol
    case 10 where ByteComparison.areEqual(p, 10, ":authority"): .authority
    default: nil
    }
  }

  /// Whether a value can stand where it goes: in the request line, or as Host.
  private static func isPseudoValue(_ name: PseudoFields.Name, _ p: UnsafePointer<UInt8>, _ count: Int) -> Bool {
    switch name {
    case .method, .connectProtocol:
      guard count > 0, count <= HeadParser.methodBound else { return false }
      for index in 0..<count where !Octet.isToken(p[index]) { return false }
      return true
    case .scheme: return ByteComparison.areEqual(p, count, "https") || ByteComparison.areEqual(p, count, "http")
    case .path:
      guard count > 0, p[0] == UInt8(ascii: "/") || (count == 1 && p[0] == UInt8(ascii: "*")) else { return false }
      return isTarget(p, count)
    case .authority: return count > 0 && isTarget(p, count)
    }
  }

  /// Whether bytes can stand in a target: visible ASCII but `#`.
  private static func isTarget(_ p: UnsafePointer<UInt8>, _ count: Int) -> Bool {
    var at = 0
    while at < count {
      let outside = ByteBlock(p + at).outsideTarget.first
      if outside < 16 { return at &+ outside >= count }
      at &+= 16
    }
    return true
  }

  /// Whether the request is a tunnel for WebSocket (RFC 8441 §4).
  public var isWebSocket: Bool { fields.has(.connectProtocol) }

  /// Checks that the pseudo-fields are those of a request, and writes the request line and Host; false when malformed.
  private mutating func startFields() -> Bool {
    guard fields.has(.method), fields.has(.scheme), fields.has(.path), isKnownKind() else {
      refuse()
      return false
    }
    if isWebSocket { append("GET") } else { append(pseudo, fields.method) }
    append(" ")
    append(pseudo, fields.path)
    append(" HTTP/1.1\r\n")
    if fields.has(.authority) {
      append("host: ")
      append(pseudo, fields.authority)
      endLine()
      hasHost = true
      limit.count &+= 1
    }
    return true
  }

  /// Whether method, path and protocol go together. CONNECT is refused but for WebSocket.
  private func isKnownKind() -> Bool {
    let method = Method.identify(pseudo + Int(fields.method.start), fields.method.count)
    if isWebSocket {
      return method == .connect && fields.has(.authority)
        && ByteComparison.areEqual(
          pseudo + Int(fields.connectProtocol.start), fields.connectProtocol.count, "websocket")
    }
    guard method != .connect else { return false }
    return pseudo[Int(fields.path.start)] != UInt8(ascii: "*") || method == .options
  }

  /// Takes a field that was decoded behind the text.
  @inline(__always)
  private mutating func takeField(_ nameCount: Int, _ valueCount: Int) {
    let name = bytes + count
    let value = name + nameCount + 2
    guard HeadText.isName(name, nameCount), HeadText.isValue(value, valueCount) else { return refuse() }
    let role = HeadText.role(name, nameCount, value, valueCount)
    guard fits(nameCount, valueCount, isCrumb: role == .cookie) else { return }
    switch role {
    case .line: keepLine(nameCount, valueCount)
    case .cookie: keepCrumb(value, valueCount)
    case .priority:
      rank = StreamRank(priority: value, valueCount)
      keepLine(nameCount, valueCount)
    case .host: takeHost(value, valueCount)
    case .contentLength:
      guard contentLength < 0, let length = HeadParser.readLength(value, valueCount) else { return refuse() }
      contentLength = length
      keepLine(nameCount, valueCount)
    case .forbidden: refuse()
    }
  }

  /// Host must say what `:authority` says, if that came; once.
  private mutating func takeHost(_ value: UnsafePointer<UInt8>, _ valueCount: Int) {
    if fields.has(.authority) {
      let authority = pseudo + Int(fields.authority.start)
      guard valueCount == fields.authority.count else { return refuse() }
      for index in 0..<valueCount where Octet.lower(value[index]) != Octet.lower(authority[index]) { return refuse() }
      return
    }
    guard !hasHost else { return refuse() }
    hasHost = true
    keepLine(4, valueCount)
  }

  private mutating func endRequest(_ endsStream: Bool) {
    writeCookies()
    if endsStream, contentLength > 0 { return refuse() }
    if isWebSocket {
      append("connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-key: ")
      append(webSocketKey, ByteRange(0, narrow(HeadText.keyCount)))
      endLine()
    } else if !endsStream, contentLength < 0 {
      append("transfer-encoding: chunked\r\n")
    }
    endLine()
  }

  /// Makes a trailer section of the block that `decoder` has begun with; false when the block can't be decoded.
  mutating func readTrailers(_ decoder: inout HPACKDecoder) -> Bool {
    while outcome == .complete {
      switch decoder.next(into: bytes + count, capacity: HeadText.room(behind: count)) {
      case .field: takeTrailer(decoder.nameCount, decoder.valueCount)
      case .tooLong: outcome = .tooLarge
      case .malformed: return false
      case .end:
        endLine()
        return true
      }
    }
    return skipRest(&decoder)
  }

  private mutating func takeTrailer(_ nameCount: Int, _ valueCount: Int) {
    let name = bytes + count
    let value = name + nameCount + 2
    // Pseudo-fields are no names.
    guard HeadText.isName(name, nameCount), HeadText.isValue(value, valueCount) else { return refuse() }
    guard fits(nameCount, valueCount, isCrumb: false) else { return }
    switch HeadText.role(name, nameCount, value, valueCount) {
    case .line, .cookie, .priority: keepLine(nameCount, valueCount)
    case .host, .contentLength, .forbidden: refuse()
    }
  }
}
