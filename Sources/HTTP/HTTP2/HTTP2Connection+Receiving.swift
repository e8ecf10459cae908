import Primitives

extension HTTP2Connection {
  /// Takes at most one frame, or a piece of DATA, from the `count` bytes that came next.
  ///
  /// Frames but DATA are taken when they are in whole: up to 9 + 16,384 bytes must be brought together. `text` receives
  /// the head or trailers that an event speaks of.
  public mutating func receive(
    _ bytes: UnsafePointer<UInt8>, _ count: Int, at now: Instant, text: inout HeadText
  ) -> HTTP2Event {
    guard !hasFailed else { return HTTP2Event(.failed, consumed: count) }
    if prefaceCount < HTTP2Connection.preface.utf8CodeUnitCount { return takePreface(bytes, count) }
    if dataLeft > 0 || paddingLeft > 0 { return takePiece(bytes, count, skipping: 0) }
    guard count >= FrameHeader.count else { return HTTP2Event(.needsMore, consumed: 0) }
    let header = FrameHeader(bytes)
    guard header.length <= FrameHeader.leastMaximumPayload else { return fail(.frameSizeError) }
    let type = FrameType(rawValue: header.type)
    guard hasSettings || (type == .settings && header.flags & FrameFlag.acknowledgement == 0) else {
      return fail(.protocolError)
    }
    guard block.stream == 0 || (type == .continuation && header.stream == block.stream) else {
      return fail(.protocolError)
    }
    if type == .data { return startData(header, bytes, count, now) }
    let whole = FrameHeader.count &+ header.length
    guard count >= whole else { return HTTP2Event(.needsMore, consumed: 0) }
    var event = takeFrame(type, header, bytes + FrameHeader.count, now, &text)
    event.consumed = whole
    return event
  }

  private mutating func takePreface(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> HTTP2Event {
    let preface = HTTP2Connection.preface
    let taken = min(count, preface.utf8CodeUnitCount &- prefaceCount)
    guard ByteComparison.areEqual(bytes, preface.utf8Start + prefaceCount, taken) else { return fail(.protocolError) }
    prefaceCount &+= taken
    return HTTP2Event(taken == 0 ? .needsMore : .progress, consumed: taken)
  }

  private mutating func takeFrame(
    _ type: FrameType?, _ header: FrameHeader, _ payload: UnsafePointer<UInt8>, _ now: Instant, _ text: inout HeadText
  ) -> HTTP2Event {
    switch type {
    case .headers: takeHeaders(header, payload, now, &text)
    case .continuation: takeContinuation(header, payload, now, &text)
    case .priority: takePriority(header, payload, now)
    case .resetStream: takeReset(header, payload, now)
    case .settings: takeSettings(header, payload, now)
    case .ping: takePing(header, payload, now)
    case .goAway: takeGoAway(header, payload)
    case .windowUpdate: takeWindowUpdate(header, payload, now)
    // Neither side of ours takes pushes (RFC 9113 §8.4).
    case .pushPromise: fail(.protocolError)
    case .priorityUpdate where role == .server: takePriorityUpdate(header, payload, now)
    case .data, .priorityUpdate, nil: spend(.unknownFrame, now) ?? HTTP2Event(.progress, consumed: 0)
    }
  }

  /// Ends the connection: GOAWAY says up to which stream something may have been done.
  mutating func fail(_ code: HTTP2ErrorCode) -> HTTP2Event {
    if !hasFailed {
      hasFailed = true
      writeGoAway(last: role == .server ? highest : 0, code)
    }
    var event = HTTP2Event(.failed, consumed: 0)
    event.code = code
    return event
  }

  /// Counts an event against its budget; the connection's end when it is one too many.
  mutating func spend(_ kind: FloodKind, _ now: Instant) -> HTTP2Event? {
    guard guards.spend(kind, at: now) else { return nil }
    flood = kind
    return fail(.enhanceYourCalm)
  }

  /// Resets a stream for the peer's fault. Resets that the peer provokes are counted like its own.
  mutating func failStream(_ id: UInt32, _ place: Int32, _ code: HTTP2ErrorCode, _ now: Instant) -> HTTP2Event {
    writeReset(id, code)
    closed.change(id, to: .resetByUs)
    if place >= 0 { streams[place].pointee.isReset = true }
    if let end = spend(.provokedReset, now) { return end }
    var event = HTTP2Event(place >= 0 ? .reset : .progress, consumed: 0, place: place)
    event.code = code
    event.isFault = true
    return event
  }

  private mutating func takePriority(
    _ header: FrameHeader, _ payload: UnsafePointer<UInt8>, _ now: Instant
  ) -> HTTP2Event {
    guard header.stream != 0 else { return fail(.protocolError) }
    guard header.length == 5 else {
      return failStream(header.stream, streams.place(of: header.stream), .frameSizeError, now)
    }
    guard FramePayload.word(payload) & 0x7FFF_FFFF != header.stream else { return fail(.protocolError) }
    return spend(.priority, now) ?? HTTP2Event(.progress, consumed: 0)
  }

  /// A client wants a stream sooner or later than it said before (RFC 9218 §7.1). What it says of streams that are not
  /// there is dropped.
  private mutating func takePriorityUpdate(
    _ header: FrameHeader, _ payload: UnsafePointer<UInt8>, _ now: Instant
  ) -> HTTP2Event {
    guard header.stream == 0 else { return fail(.protocolError) }
    guard header.length >= 4 else { return fail(.frameSizeError) }
    let id = FramePayload.word(payload) & 0x7FFF_FFFF
    guard id & 1 == 1 else { return fail(.protocolError) }
    if let end = spend(.priority, now) { return end }
    let place = streams.place(of: id)
    if place >= 0 {
      streams[place].pointee.rank = StreamRank(priority: payload + 4, header.length &- 4)
      hasRanks = true
    }
    return HTTP2Event(.progress, consumed: 0)
  }

  private mutating func takeReset(
    _ header: FrameHeader, _ payload: UnsafePointer<UInt8>, _ now: Instant
  ) -> HTTP2Event {
    guard header.stream != 0, !isIdle(header.stream) else { return fail(.protocolError) }
    guard header.length == 4 else { return fail(.frameSizeError) }
    let place = streams.place(of: header.stream)
    if let end = spend(.reset, now) { return end }
    guard place >= 0, !streams[place].pointee.isReset else { return HTTP2Event(.progress, consumed: 0) }
    streams[place].pointee.isReset = true
    closed.note(header.stream, .resetByPeer)
    var event = HTTP2Event(.reset, consumed: 0, place: place)
    event.code = HTTP2ErrorCode(rawValue: FramePayload.word(payload)) ?? .internalError
    return event
  }

  /// Whether no frame has been sent on a stream yet.
  func isIdle(_ id: UInt32) -> Bool { id > highest || id & 1 == 0 }

  private mutating func takePing(
    _ header: FrameHeader, _ payload: UnsafePointer<UInt8>, _ now: Instant
  ) -> HTTP2Event {
    guard header.stream == 0 else { return fail(.protocolError) }
    guard header.length == 8 else { return fail(.frameSizeError) }
    let opaque = UnsafeRawPointer(payload).loadUnaligned(as: UInt64.self)
    if header.flags & FrameFlag.acknowledgement != 0 {
      guard isShuttingDown, opaque == HTTP2Connection.shutdownPing.bigEndian else {
        return spend(.ping, now) ?? HTTP2Event(.progress, consumed: 0)
      }
      finishShutdown()
      return HTTP2Event(.shutdownReached, consumed: 0)
    }
    if let end = spend(.ping, now) { return end }
    writePing(opaque, flags: FrameFlag.acknowledgement)
    return HTTP2Event(.progress, consumed: 0)
  }

  private mutating func takeGoAway(_ header: FrameHeader, _ payload: UnsafePointer<UInt8>) -> HTTP2Event {
    guard header.stream == 0 else { return fail(.protocolError) }
    guard header.length >= 8 else { return fail(.frameSizeError) }
    lastStream = min(lastStream, FramePayload.word(payload) & 0x7FFF_FFFF)
    var event = HTTP2Event(.goAway, consumed: 0)
    event.code = HTTP2ErrorCode(rawValue: FramePayload.word(payload + 4)) ?? .internalError
    return event
  }
}
