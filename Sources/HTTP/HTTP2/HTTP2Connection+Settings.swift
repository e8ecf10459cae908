import Primitives

extension HTTP2Connection {
  /// Puts what we take into the outbox: SETTINGS, and the window of the connection.
  mutating func announce() {
    if role == .client {
      let preface = HTTP2Connection.preface
      outbox.update(from: preface.utf8Start, count: preface.utf8CodeUnitCount)
      outboxCount = preface.utf8CodeUnitCount
    }
    let start = outboxCount
    outboxCount &+= FrameHeader.count
    write(HTTP2Settings.Identifier.initialWindowSize, UInt32(HTTP2Bounds.streamWindow))
    write(HTTP2Settings.Identifier.maxHeaderListSize, UInt32(truncatingIfNeeded: bounds.headerSize))
    if role == .server {
      write(HTTP2Settings.Identifier.maxConcurrentStreams, UInt32(truncatingIfNeeded: bounds.streams))
      write(HTTP2Settings.Identifier.enableConnectProtocol, 1)
      write(HTTP2Settings.Identifier.noPriorities, 1)
    } else {
      write(HTTP2Settings.Identifier.enablePush, 0)
    }
    let length = outboxCount &- start &- FrameHeader.count
    FrameHeader.write(.settings, flags: 0, stream: 0, length: length, to: outbox + start)
    writeWindowUpdate(0, HTTP2Bounds.connectionWindow - HTTP2Settings.defaultWindow)
  }

  private mutating func write(_ identifier: UInt16, _ value: UInt32) {
    let place = outbox + outboxCount
    UnsafeMutableRawPointer(place).storeBytes(of: identifier.bigEndian, as: UInt16.self)
    FramePayload.write(value, to: place + 2)
    outboxCount &+= 6
  }

  mutating func takeSettings(
    _ header: FrameHeader, _ payload: UnsafePointer<UInt8>, _ now: Instant
  ) -> HTTP2Event {
    guard header.stream == 0 else { return fail(.protocolError) }
    if header.flags & FrameFlag.acknowledgement != 0 {
      guard header.length == 0 else { return fail(.frameSizeError) }
      isAcknowledged = true
      return spend(.settings, now) ?? HTTP2Event(.progress, consumed: 0)
    }
    guard header.length % 6 == 0 else { return fail(.frameSizeError) }
    if let end = spend(.settings, now) { return end }
    hasSettings = true
    let before = peer.initialWindow
    for at in stride(from: 0, to: header.length, by: 6) {
      let identifier = UInt16(payload[at]) << 8 | UInt16(payload[at &+ 1])
      let code = peer.apply(identifier, FramePayload.word(payload + at + 2), fromClient: role == .server)
      guard code == .noError else { return fail(code) }
    }
    encoder.pointee.follow(tableSize: peer.headerTableSize)
    guard shiftWindows(by: peer.initialWindow &- before) else { return fail(.flowControlError) }
    writeSettingsAcknowledgement()
    return HTTP2Event(peer.initialWindow > before ? .windowOpened : .progress, consumed: 0)
  }

  /// A new initial window changes those of all open streams (RFC 9113 §6.9.2); false when one gets too large.
  private func shiftWindows(by change: Int64) -> Bool {
    guard change != 0 else { return true }
    for place in 0..<placeCount where streams[place].pointee.id != 0 {
      streams[place].pointee.sendWindow &+= change
      if streams[place].pointee.sendWindow > HTTP2Settings.maximumWindow { return false }
    }
    return true
  }

  mutating func takeWindowUpdate(
    _ header: FrameHeader, _ payload: UnsafePointer<UInt8>, _ now: Instant
  ) -> HTTP2Event {
    guard header.length == 4 else { return fail(.frameSizeError) }
    let increment = Int64(FramePayload.word(payload) & 0x7FFF_FFFF)
    if let end = spend(.windowUpdate, now) { return end }
    guard header.stream != 0 else {
      guard increment > 0 else { return fail(.protocolError) }
      sendWindow &+= increment
      guard sendWindow <= HTTP2Settings.maximumWindow else { return fail(.flowControlError) }
      return HTTP2Event(.windowOpened, consumed: 0)
    }
    guard !isIdle(header.stream) else { return fail(.protocolError) }
    let place = streams.place(of: header.stream)
    guard place >= 0, !streams[place].pointee.isReset else { return HTTP2Event(.progress, consumed: 0) }
    guard increment > 0 else { return failStream(header.stream, place, .protocolError, now) }
    streams[place].pointee.sendWindow &+= increment
    guard streams[place].pointee.sendWindow <= HTTP2Settings.maximumWindow else {
      return failStream(header.stream, place, .flowControlError, now)
    }
    return HTTP2Event(.windowOpened, consumed: 0, place: place)
  }
}
