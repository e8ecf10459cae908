import Primitives

@testable import Engine
@testable import HTTP

/// What may be wrong with streams on purpose.
extension Flaw {
  /// Spoils what a worker knows of its connections that speak HTTP/2; returns whether that is all.
  func strikeStreams(_ box: EnginePlant.Box) -> Bool {
    var slots: [Int32] = []
    box.worker.connections.forEachSlot { slots.append($0) }
    for slot in slots {
      let connection = box.worker.connections[slot]
      guard let session = connection.pointee.http2 else { continue }
      switch self {
      case .exceedsWindows where connection.pointee.role == .client: widen(session)
      case .exceedsBackendWindows where connection.pointee.role == .upstream: widen(session)
      case .swapsStreams where connection.pointee.role == .upstream: if swap(box, session) { return true }
      default: continue
      }
    }
    return false
  }

  /// Has the machine think that each stream may send more than its peer has said.
  private func widen(_ session: UnsafeMutablePointer<HTTP2Session>) {
    for place in 0..<session.pointee.machine.placeCount {
      session.pointee.machine.stream(place).pointee.sendWindow += 1 << 20
    }
  }

  /// Gives two streams that wait for their answers each other's owner.
  private func swap(_ box: EnginePlant.Box, _ session: UnsafeMutablePointer<HTTP2Session>) -> Bool {
    let waiting = (0..<session.pointee.machine.placeCount).filter {
      let stream = session.pointee.machine.stream($0)
      return stream.pointee.id != 0 && stream.pointee.owner >= 0 && !stream.pointee.hasHead && stream.pointee.hasSentEnd
    }
    guard waiting.count > 1 else { return false }
    let (one, other) = (session.pointee.machine.stream(waiting[0]), session.pointee.machine.stream(waiting[1]))
    Swift.swap(&one.pointee.owner, &other.pointee.owner)
    box.worker.connections[one.pointee.owner].pointee.place = waiting[0]
    box.worker.connections[other.pointee.owner].pointee.place = waiting[1]
    return true
  }
}
