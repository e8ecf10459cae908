import Primitives

extension HTTP2Connection {
  mutating func takeHeaders(
    _ header: FrameHeader, _ payload: UnsafePointer<UInt8>, _ now: Instant, _ text: inout HeadText
  ) -> HTTP2Event {
    guard header.stream != 0, header.stream & 1 == 1 else { return fail(.protocolError) }
    var start = 0
    var end = header.length
    if header.flags & FrameFlag.padded != 0 {
      guard end > 0 else { return fail(.frameSizeError) }
      start = 1
      end &-= Int(payload[0])
    }
    if header.flags & FrameFlag.priority != 0 {
      guard header.length >= start &+ 5 else { return fail(.frameSizeError) }
      // A stream can't depend on itself; what else is said of priority is ignored (RFC 9113 §5.3.2).
      guard FramePayload.word(payload + start) & 0x7FFF_FFFF != header.stream else { return fail(.protocolError) }
      start &+= 5
    }
    guard end >= start else { return fail(.protocolError) }
    let endsStream = header.flags & FrameFlag.endStream != 0
    if header.flags & FrameFlag.endHeaders != 0 {
      return takeBlock(header.stream, payload + start, end &- start, endsStream, now, &text)
    }
    block.stream = header.stream
    block.endsStream = endsStream
    block.count = 0
    block.continuations = 0
    guard block.append(payload + start, end &- start, bound: bounds.blockBytes) else { return floodOfBlock() }
    return HTTP2Event(.progress, consumed: 0)
  }

  mutating func takeContinuation(
    _ header: FrameHeader, _ payload: UnsafePointer<UInt8>, _ now: Instant, _ text: inout HeadText
  ) -> HTTP2Event {
    guard block.stream != 0 else { return fail(.protocolError) }
    block.continuations &+= 1
    guard block.continuations <= HTTP2Bounds.continuations,
      block.append(payload, header.length, bound: bounds.blockBytes)
    else { return floodOfBlock() }
    guard header.flags & FrameFlag.endHeaders != 0 else { return HTTP2Event(.progress, consumed: 0) }
    block.stream = 0
    let event = takeBlock(
      header.stream, UnsafePointer(block.memory!), block.count, block.endsStream, now, &text)
    block.deallocate()
    return event
  }

  private mutating func floodOfBlock() -> HTTP2Event {
    flood = .continuation
    return fail(.enhanceYourCalm)
  }

  /// Takes a whole field block. It is decoded whatever becomes of its stream: the decoder must stay in step.
  private mutating func takeBlock(
    _ id: UInt32, _ bytes: UnsafePointer<UInt8>, _ count: Int, _ endsStream: Bool, _ now: Instant,
    _ text: inout HeadText
  ) -> HTTP2Event {
    decoder.begin(bytes, count)
    text.begin(size: bounds.headerSize, count: bounds.headerCount)
    let place = streams.place(of: id)
    if place >= 0 {
      if role == .client, !streams[place].pointee.hasHead { return takeResponse(id, place, endsStream, now, &text) }
      return takeTrailers(id, place, endsStream, now, &text)
    }
    guard role == .server, id > highest else { return takeLateBlock(id, now, &text) }
    highest = id
    // A stream that came after the last GOAWAY is not answered, whatever else comes for it (RFC 9113 §6.8).
    if isShutDown {
      closed.note(id, .resetByUs)
      return skipBlock(&text) ?? HTTP2Event(.progress, consumed: 0)
    }
    guard streams.count < streams.bound else {
      if let end = skipBlock(&text) { return end }
      return refuseStream(id, now)
    }
    guard text.readRequest(&decoder, endsStream: endsStream) else { return fail(.compressionError) }
    if text.isBomb { return bomb() }
    guard text.outcome != .bad else {
      var event = failStream(id, -1, .protocolError, now)
      if event.kind == .progress { event.kind = .malformed }
      return event
    }
    var event = HTTP2Event(.request, consumed: 0, place: open(id, endsStream, text))
    event.endsStream = endsStream
    return event
  }

  private mutating func open(_ id: UInt32, _ endsStream: Bool, _ text: borrowing HeadText) -> Int32 {
    var stream = HTTP2Stream()
    stream.id = id
    stream.hasEnded = endsStream
    stream.sendWindow = peer.initialWindow
    stream.receiveWindow = HTTP2Bounds.streamWindow
    stream.expected = endsStream ? -1 : text.contentLength
    stream.rank = text.rank
    if text.rank != .unsaid { hasRanks = true }
    return streams.insert(stream)
  }

  /// One stream too many. Before the peer acknowledged the bound it may not know better, for a while.
  private mutating func refuseStream(_ id: UInt32, _ now: Instant) -> HTTP2Event {
    if isAcknowledged || unawareCount == HTTP2Bounds.unawareStreams {
      return failStream(id, -1, .refusedStream, now)
    }
    unawareCount &+= 1
    writeReset(id, .refusedStream)
    closed.note(id, .resetByUs)
    return HTTP2Event(.progress, consumed: 0)
  }

  private mutating func bomb() -> HTTP2Event {
    flood = .fieldBomb
    return fail(.enhanceYourCalm)
  }

  /// Decodes a block nobody wants; the connection's end when that can't be.
  private mutating func skipBlock(_ text: inout HeadText) -> HTTP2Event? {
    guard text.skipRest(&decoder) else { return fail(.compressionError) }
    return text.isBomb ? bomb() : nil
  }

  /// A block for a stream that was closed, or never used (RFC 9113 §5.1, §5.1.1).
  private mutating func takeLateBlock(_ id: UInt32, _ now: Instant, _ text: inout HeadText) -> HTTP2Event {
    if let end = skipBlock(&text) { return end }
    guard id <= highest, let reason = closed.reason(id) else { return fail(.protocolError) }
    switch reason {
    case .resetByUs: return HTTP2Event(.progress, consumed: 0)
    case .resetByPeer: return failStream(id, -1, .streamClosed, now)
    case .ended: return fail(.streamClosed)
    }
  }

  private mutating func takeTrailers(
    _ id: UInt32, _ place: Int32, _ endsStream: Bool, _ now: Instant, _ text: inout HeadText
  ) -> HTTP2Event {
    guard text.readTrailers(&decoder) else { return fail(.compressionError) }
    if text.isBomb { return bomb() }
    guard !streams[place].pointee.isReset else { return HTTP2Event(.progress, consumed: 0) }
    guard !streams[place].pointee.hasEnded else { return failStream(id, place, .streamClosed, now) }
    guard endsStream, text.outcome != .bad, streams[place].pointee.expected <= 0 else {
      return failStream(id, place, .protocolError, now)
    }
    streams[place].pointee.hasEnded = true
    var event = HTTP2Event(.trailers, consumed: 0, place: place)
    event.endsStream = true
    return event
  }

  private mutating func takeResponse(
    _ id: UInt32, _ place: Int32, _ endsStream: Bool, _ now: Instant, _ text: inout HeadText
  ) -> HTTP2Event {
    guard text.readResponse(&decoder) else { return fail(.compressionError) }
    if text.isBomb { return bomb() }
    guard !streams[place].pointee.isReset else { return HTTP2Event(.progress, consumed: 0) }
    let isInterim = text.status < 200
    guard text.outcome == .complete, !(isInterim && endsStream) else {
      return failStream(id, place, .protocolError, now)
    }
    if !isInterim {
      streams[place].pointee.hasHead = true
      streams[place].pointee.hasEnded = endsStream
      // What is said of a body that does not come, for HEAD and 304, is for the owner to judge.
      streams[place].pointee.expected = endsStream ? -1 : text.contentLength
    }
    var event = HTTP2Event(.response, consumed: 0, place: place)
    event.endsStream = endsStream
    return event
  }
}
