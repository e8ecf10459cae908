import HTTP
import Primitives

/// A health check in HTTP/2: one stream, whose frames are made beforehand and whose answer is read from its start each
/// time more of it has come.
enum ProbeFrames {
  /// The frames that ask what `head`, of HTTP/1.1, asks; with a body it is a call of gRPC.
  static func request(_ head: [UInt8], body: [UInt8] = [], isSecure: Bool) -> [UInt8] {
    var machine = HTTP2Connection(.client, bounds: HTTP2Bounds())
    let place = machine.openStream(owner: 0)
    let padded = head + [UInt8](repeating: 0, count: BufferPool.padding)
    let isCall = !body.isEmpty
    let room = HTTP2Connection.headersRoom(HPACKEncoder.room(head.count)) + FrameHeader.count + body.count
    let frames = [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
      let start = buffer.baseAddress!
      machine.encoder.pointee.begin(at: start + FrameHeader.count)
      padded.withUnsafeBufferPointer {
        machine.encoder.pointee.add(request: $0.baseAddress!, head.count, isSecure: isSecure, takesTrailers: isCall)
      }
      count = machine.frameHeaders(of: place, machine.encoder.pointee.count, endsStream: !isCall, at: start)
      guard isCall else { return }
      machine.frameData(of: place, body.count, endsStream: true, at: start + count)
      (start + count + FrameHeader.count).initialize(from: body, count: body.count)
      count += FrameHeader.count + body.count
    }
    return Array(UnsafeBufferPointer(start: machine.outbox, count: machine.outboxCount)) + frames
  }

  /// The status that came, 0 when none will; `nil` while it is awaited.
  static func status(_ input: Buffer, _ text: inout HeadText) -> UInt16? {
    read(input, &text) { event, text, _ in
      switch event.kind {
      case .response where text.status >= 200: text.status
      case .failed, .reset: 0
      default: nil
      }
    }
  }

  /// Whether an answer to a check of gRPC says SERVING; `nil` while it is awaited.
  static func isServing(_ input: Buffer, _ text: inout HeadText) -> Bool? {
    var call = ProbeCall()
    return read(input, &text) { event, text, bytes in
      switch event.kind {
      case .response where text.status >= 200: text.status != 200 || event.endsStream ? false : nil
      case .data: call.take(bytes + event.start, event.count, isLast: event.endsStream)
      case .trailers: call.end(text)
      case .failed, .reset: false
      default: nil
      }
    }
  }

  /// Reads all that came from its start, until `take` makes something of an event or nothing is left.
  private static func read<Answer>(
    _ input: Buffer, _ text: inout HeadText,
    _ take: (HTTP2Event, borrowing HeadText, UnsafePointer<UInt8>) -> Answer?
  ) -> Answer? {
    var machine = HTTP2Connection(.client, bounds: HTTP2Bounds())
    _ = machine.openStream(owner: 0)
    var used = 0
    while true {
      let bytes = input.first + used
      let event = machine.receive(bytes, input.count - used, at: Instant(nanoseconds: 0), text: &text)
      used += event.consumed
      machine.emptyOutbox()
      if let answer = take(event, text, bytes) { return answer }
      if event.kind == .needsMore { return nil }
    }
  }
}
