import Primitives

extension HeadText {
  /// Makes a response head of the block that `decoder` has begun with; false when the block can't be decoded.
  mutating func readResponse(_ decoder: inout HPACKDecoder) -> Bool {
    while outcome == .complete {
      let place = bytes + count
      switch decoder.next(into: place, capacity: HeadText.room(behind: count)) {
      case .field:
        if count == 0 {
          takeStatus(place, decoder.nameCount, decoder.valueCount)
        } else {
          takeResponseField(decoder.nameCount, decoder.valueCount)
        }
      case .tooLong: outcome = .tooLarge
      case .malformed: return false
      case .end:
        if count == 0 { refuse() } else { endLine() }
        return true
      }
    }
    return skipRest(&decoder)
  }

  /// Says in a response head without Content-Length that no body follows, as HTTP/1.1 must be told.
  public mutating func addEmptyLength() {
    guard contentLength < 0, outcome == .complete, count >= 2 else { return }
    count &-= 2
    append("content-length: 0\r\n")
    endLine()
  }

  /// Makes the head of a response that agrees to a WebSocket by HTTP/2 (RFC 8441 §5) the one that HTTP/1.1 has for it
  /// (RFC 6455 §4.2.2), with this Sec-WebSocket-Accept.
  public mutating func agreeToWebSocket(accept: UnsafePointer<UInt8>, _ acceptCount: Int) {
    let old = count
    pseudo.update(from: bytes, count: old)
    count = 0
    append("HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: ")
    append(accept, ByteRange(0, narrow(acceptCount)))
    endLine()
    var at = HeadParser.endOfLine(pseudo, 0, old) &+ 2
    while at < old {
      let end = min(old, HeadParser.endOfLine(pseudo, at, old) &+ 2)
      var colon = at
      while colon < end, pseudo[colon] != Octet.colon { colon &+= 1 }
      if FieldName.identify(pseudo + at, colon &- at) != .secWebSocketAccept {
        append(pseudo, ByteRange(narrow(at), narrow(end)))
      }
      at = end
    }
    status = 101
  }

  /// `:status` comes first and once (RFC 9113 §8.3.2); no response switches protocols (§8.6).
  private mutating func takeStatus(_ place: UnsafeMutablePointer<UInt8>, _ nameCount: Int, _ valueCount: Int) {
    let value = place + nameCount + 2
    guard ByteComparison.areEqual(place, nameCount, ":status"), valueCount == 3 else { return refuse() }
    for index in 0..<3 {
      guard value[index] &- 0x30 <= 9 else { return refuse() }
      status = status &* 10 &+ UInt16(value[index] &- 0x30)
    }
    guard status >= 100, status <= 599, status != 101 else { return refuse() }
    limit.note(nameCount, valueCount)
    let digits = (value[0], value[1], value[2])
    append("HTTP/1.1 ")
    (bytes[count], bytes[count &+ 1], bytes[count &+ 2]) = digits
    count &+= 3
    append(" \r\n")
  }

  private mutating func takeResponseField(_ nameCount: Int, _ valueCount: Int) {
    let name = bytes + count
    let value = name + nameCount + 2
    guard HeadText.isName(name, nameCount), HeadText.isValue(value, valueCount) else { return refuse() }
    guard fits(nameCount, valueCount, isCrumb: false) else { return }
    switch HeadText.role(name, nameCount, value, valueCount) {
    case .line, .cookie, .host, .priority: keepLine(nameCount, valueCount)
    case .contentLength:
      guard contentLength < 0, let length = HeadParser.readLength(value, valueCount) else { return refuse() }
      contentLength = length
      keepLine(nameCount, valueCount)
    case .forbidden: refuse()
    }
  }
}
