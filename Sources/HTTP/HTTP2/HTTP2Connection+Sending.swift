import Primitives

extension HTTP2Connection {
  // MARK: - frames of a stream, written where the owner wants them

  /// Room for the HEADERS and CONTINUATION frames of a block of `count` bytes.
  public static func headersRoom(_ count: Int) -> Int {
    count + FrameHeader.count * (2 + count / FrameHeader.leastMaximumPayload)
  }

  /// Frames a block of `count` bytes that was written nine bytes behind `place`; returns the bytes of its frames.
  ///
  /// Long blocks are moved apart for the headers of CONTINUATION frames; there must be `headersRoom`.
  public mutating func frameHeaders(
    of stream: Int32, _ count: Int, endsStream: Bool, at place: UnsafeMutablePointer<UInt8>
  ) -> Int {
    let id = streams[stream].pointee.id
    let limit = FrameHeader.leastMaximumPayload
    if endsStream { streams[stream].pointee.hasSentEnd = true }
    let flag = endsStream ? FrameFlag.endStream : 0
    let pieces = max(1, (count &+ limit &- 1) / limit)
    for piece in stride(from: pieces - 1, through: 0, by: -1) {
      let length = min(limit, count &- piece &* limit)
      let start = place + piece * (limit + FrameHeader.count)
      if piece > 0 {
        (start + FrameHeader.count).update(from: place + FrameHeader.count + piece * limit, count: length)
      }
      FrameHeader.write(
        piece == 0 ? .headers : .continuation,
        flags: (piece == 0 ? flag : 0) | (piece == pieces - 1 ? FrameFlag.endHeaders : 0), stream: id, length: length,
        to: start)
    }
    return count &+ pieces &* FrameHeader.count
  }

  /// Bytes of DATA that may be sent on a stream now.
  @inline(__always)
  public func allowance(of stream: Int32) -> Int { Int(max(0, min(streams[stream].pointee.sendWindow, sendWindow))) }

  /// Whether the window of the whole connection is shut.
  public var isWindowShut: Bool { sendWindow <= 0 }

  /// Writes the nine bytes before `count` bytes of DATA, at most what `allowance` says and 16,384.
  public mutating func frameData(
    of stream: Int32, _ count: Int, endsStream: Bool, at place: UnsafeMutablePointer<UInt8>
  ) {
    streams[stream].pointee.sendWindow &-= Int64(count)
    sendWindow &-= Int64(count)
    if endsStream { streams[stream].pointee.hasSentEnd = true }
    guards.windowUpdates.refund(HTTP2Bounds.updatesPerData)
    FrameHeader.write(
      .data, flags: endsStream ? FrameFlag.endStream : 0, stream: streams[stream].pointee.id, length: count, to: place)
  }

  /// Streams that a server takes before it said how many (RFC 9113 §6.5.2).
  static let streamsBeforeSettings = 100

  /// Whether one more stream of ours may be opened besides `others`.
  public func canOpen(afterOthers others: Int) -> Bool {
    let bound = hasSettings ? bounds.streams : min(bounds.streams, HTTP2Connection.streamsBeforeSettings)
    return lastStream == HTTP2Connection.allStreams && highest < HTTP2Connection.allStreams - 2 && others < bound
      && Int64(others) < peer.maxConcurrentStreams && !hasFailed
  }

  /// Opens a stream of ours, as a client; -1 when the peer takes no more now, or never.
  public mutating func openStream(owner: Int32) -> Int32 {
    guard role == .client, canOpen(afterOthers: streams.count) else { return -1 }
    var stream = HTTP2Stream()
    stream.id = highest == 0 ? 1 : highest &+ 2
    stream.owner = owner
    stream.hasHead = false
    stream.sendWindow = peer.initialWindow
    stream.receiveWindow = HTTP2Bounds.streamWindow
    let place = streams.insert(stream)
    if place >= 0 { highest = stream.id }
    return place
  }

  // MARK: - ends

  /// Resets a stream, if it isn't yet; its record stays until `release`.
  public mutating func reset(_ stream: Int32, _ code: HTTP2ErrorCode) {
    guard !streams[stream].pointee.isReset else { return }
    streams[stream].pointee.isReset = true
    closed.note(streams[stream].pointee.id, .resetByUs)
    writeReset(streams[stream].pointee.id, code)
  }

  /// Nothing but the end of a stream is wanted any more: what it has sent is given back to the connection, and what it
  /// still sends is told, whatever length was announced.
  public mutating func awaitEnd(of stream: Int32) {
    giveBack(streams[stream].pointee.held)
    streams[stream].pointee.held = 0
    streams[stream].pointee.expected = -1
  }

  /// Gives the record of a stream back. One that has not ended on both sides is reset: without fault if only the peer
  /// would have gone on (RFC 9113 §8.1).
  public mutating func release(_ stream: Int32) {
    let record = streams[stream].pointee
    if !record.isReset {
      if record.hasSentEnd, record.hasEnded {
        closed.note(record.id, .ended)
      } else {
        reset(stream, record.hasSentEnd ? .noError : .internalError)
      }
    }
    giveBack(record.held)
    if dataPlace == stream { dataPlace = -1 }
    streams.remove(stream)
  }

  /// Whether a first GOAWAY is on its way.
  public var isShuttingDown: Bool { shutdown == .announced }

  /// Tells the peer that the connection ends: streams that are on their way are still taken until it knows.
  public mutating func startShutdown() {
    guard shutdown == .none, !hasFailed else { return }
    shutdown = .announced
    writeGoAway(last: HTTP2Connection.allStreams, .noError)
    writePing(HTTP2Connection.shutdownPing.bigEndian, flags: 0)
  }

  /// Takes no further streams.
  public mutating func finishShutdown() {
    guard !isShutDown, !hasFailed else { return }
    shutdown = .reached
    writeGoAway(last: highest, .noError)
  }

  /// Ends the connection for a stall that whoever keeps time has seen.
  public mutating func failForStall() {
    flood = .stall
    _ = fail(.enhanceYourCalm)
  }

  // MARK: - short frames

  /// The place for a frame of `length` bytes in the outbox.
  private mutating func frame(
    _ type: FrameType, flags: UInt8 = 0, stream: UInt32 = 0, length: Int
  ) -> UnsafeMutablePointer<UInt8>? {
    let whole = FrameHeader.count &+ length
    guard outboxCount &+ whole <= HTTP2Connection.outboxCapacity else {
      // Nobody empties the outbox: there is no peer to talk to.
      hasFailed = true
      return nil
    }
    let place = outbox + outboxCount
    outboxCount &+= whole
    FrameHeader.write(type, flags: flags, stream: stream, length: length, to: place)
    return place + FrameHeader.count
  }

  mutating func writeReset(_ id: UInt32, _ code: HTTP2ErrorCode) {
    // Behind a GOAWAY for a fault nothing is said of streams.
    guard !hasFailed else { return }
    if let place = frame(.resetStream, stream: id, length: 4) { FramePayload.write(code.rawValue, to: place) }
  }

  mutating func writeWindowUpdate(_ id: UInt32, _ increment: Int64) {
    guard let place = frame(.windowUpdate, stream: id, length: 4) else { return }
    FramePayload.write(UInt32(truncatingIfNeeded: increment), to: place)
  }

  mutating func writePing(_ opaque: UInt64, flags: UInt8) {
    guard let place = frame(.ping, flags: flags, length: 8) else { return }
    UnsafeMutableRawPointer(place).storeBytes(of: opaque, as: UInt64.self)
  }

  mutating func writeSettingsAcknowledgement() {
    _ = frame(.settings, flags: FrameFlag.acknowledgement, length: 0)
  }

  mutating func writeGoAway(last: UInt32, _ code: HTTP2ErrorCode) {
    guard let place = frame(.goAway, length: 8) else { return }
    FramePayload.write(last, to: place)
    FramePayload.write(code.rawValue, to: place + 4)
  }
}
