import HTTP
import Primitives

/// A health check in HTTP/2: one stream, whose frames are made beforehand and whose answer is read from its start each
/// time more of it has come.
enum ProbeFrames {
  /// The frames that ask what `head`, of HTTP/1.1, asks.
  static func request(_ head: [UInt8], isSecure: Bool) -> [UInt8] {
    var machine = HTTP2Connection(.client, bounds: HTTP2Bounds())
    let place = machine.openStream(owner: 0)
    let padded = head + [UInt8](repeating: 0, count: BufferPool.padding)
    let room = HTTP2Connection.headersRoom(HPACKEncoder.room(head.count))
    let frames = [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
      let start = buffer.baseAddress!
      machine.encoder.pointee.begin(at: start + FrameHeader.count)
      padded.withUnsafeBufferPointer {
        machine.encoder.pointee.add(request: $0.baseAddress!, head.count, isSecure: isSecure, takesTrailers: false)
      }
      count = machine.frameHeaders(of: place, machine.encoder.pointee.count, endsStream: true, at: start)
    }
    return Array(UnsafeBufferPointer(start: machine.outbox, count: machine.outboxCount)) + frames
  }

  /// The status that came, 0 when none will; `nil` while it is awaited.
  static func status(_ input: Buffer, _ text: inout HeadText) -> UInt16? {
    var machine = HTTP2Connection(.client, bounds: HTTP2Bounds())
    _ = machine.openStream(owner: 0)
    var used = 0
    while true {
      let event = machine.receive(
        input.first + used, input.count - used, at: Instant(nanoseconds: 0), text: &text)
      used += event.consumed
      machine.emptyOutbox()
      switch event.kind {
      case .response where text.status >= 200: return text.status
      case .needsMore: return nil
      case .failed, .reset: return 0
      default: break
      }
    }
  }
}
