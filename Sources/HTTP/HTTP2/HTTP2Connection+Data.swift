import Primitives

extension HTTP2Connection {
  /// Takes the beginning of a DATA frame, and what is there of it.
  mutating func startData(
    _ header: FrameHeader, _ bytes: UnsafePointer<UInt8>, _ count: Int, _ now: Instant
  ) -> HTTP2Event {
    guard header.stream != 0, !isIdle(header.stream) else { return fail(.protocolError) }
    var start = FrameHeader.count
    var padding = 0
    if header.flags & FrameFlag.padded != 0 {
      guard header.length > 0 else { return fail(.frameSizeError) }
      guard count > start else { return HTTP2Event(.needsMore, consumed: 0) }
      padding = Int(bytes[start])
      start &+= 1
      guard padding < header.length else { return fail(.protocolError) }
    }
    receiveWindow &-= Int64(header.length)
    guard receiveWindow >= 0 else { return fail(.flowControlError) }
    dataLeft = header.length &- padding &- (start &- FrameHeader.count)
    paddingLeft = padding
    dataEnds = header.flags & FrameFlag.endStream != 0
    // The length of the padding is padding, too: it is given back at once.
    giveBack(Int64(start &- FrameHeader.count))
    let place = streams.place(of: header.stream)
    dataPlace = -1
    let code = check(header, place)
    guard code == .noError else { return refuseData(header.stream, place, code, start, now) }
    if place >= 0 {
      streams[place].pointee.credit &+= Int64(start &- FrameHeader.count &+ padding)
      dataPlace = place
      if header.length == 0, !dataEnds, let end = spend(.emptyData, now) { return end }
    }
    return takePiece(bytes, count, skipping: start)
  }

  /// What is wrong with DATA of this stream (RFC 9113 §5.1, §6.9, §8.1.1).
  private mutating func check(_ header: FrameHeader, _ place: Int32) -> HTTP2ErrorCode {
    guard place >= 0 else {
      return closed.reason(header.stream) == .resetByUs ? .noError : .streamClosed
    }
    let stream = streams[place]
    guard !stream.pointee.isReset else { return .noError }
    guard !stream.pointee.hasEnded else { return .streamClosed }
    guard stream.pointee.hasHead else { return .protocolError }
    stream.pointee.receiveWindow &-= Int64(header.length)
    guard stream.pointee.receiveWindow >= 0 else { return .flowControlError }
    guard stream.pointee.expected >= 0 else { return .noError }
    stream.pointee.expected &-= Int64(dataLeft)
    guard stream.pointee.expected >= 0, !dataEnds || stream.pointee.expected == 0 else { return .protocolError }
    return .noError
  }

  /// Resets the stream; what comes of the frame is dropped.
  private mutating func refuseData(
    _ id: UInt32, _ place: Int32, _ code: HTTP2ErrorCode, _ start: Int, _ now: Instant
  ) -> HTTP2Event {
    var event = failStream(id, place, code, now)
    event.consumed = start
    return event
  }

  /// Takes what is there of a DATA frame behind `start` bytes that are done with.
  mutating func takePiece(_ bytes: UnsafePointer<UInt8>, _ count: Int, skipping start: Int) -> HTTP2Event {
    let piece = min(dataLeft, count &- start)
    dataLeft &-= piece
    var event = HTTP2Event(.progress, consumed: start &+ piece)
    if dataLeft == 0 {
      let padding = min(paddingLeft, count &- event.consumed)
      paddingLeft &-= padding
      event.consumed &+= padding
      giveBack(Int64(padding))
    }
    if event.consumed == 0 { event.kind = .needsMore }
    guard dataPlace >= 0, !streams[dataPlace].pointee.isReset else {
      giveBack(Int64(piece))
      return event
    }
    let ends = dataEnds && dataLeft == 0
    guard piece > 0 || ends else { return event }
    streams[dataPlace].pointee.held &+= Int64(piece)
    if ends { streams[dataPlace].pointee.hasEnded = true }
    event.kind = .data
    event.place = dataPlace
    event.start = start
    event.count = piece
    event.endsStream = ends
    if ends { dataPlace = -1 }
    return event
  }

  /// Gives bytes of the connection's window back, and tells the peer once they are worth it.
  mutating func giveBack(_ count: Int64) {
    credit &+= count
    guard credit >= HTTP2Bounds.connectionWindow / 4, outboxCount &+ 32 <= HTTP2Connection.outboxCapacity else {
      return
    }
    receiveWindow &+= credit
    writeWindowUpdate(0, credit)
    credit = 0
  }

  /// Gives `count` bytes that a stream's owner has taken care of back to the peer: it may send as many more.
  public mutating func release(_ count: Int, of place: Int32) {
    guard count > 0 else { return }
    let stream = streams[place]
    stream.pointee.held &-= Int64(count)
    stream.pointee.credit &+= Int64(count)
    giveBack(Int64(count))
    guard stream.pointee.credit >= HTTP2Bounds.streamWindow / 4, !stream.pointee.hasEnded, !stream.pointee.isReset,
      outboxCount &+ 32 <= HTTP2Connection.outboxCapacity
    else { return }
    stream.pointee.receiveWindow &+= stream.pointee.credit
    writeWindowUpdate(stream.pointee.id, stream.pointee.credit)
    stream.pointee.credit = 0
  }
}
