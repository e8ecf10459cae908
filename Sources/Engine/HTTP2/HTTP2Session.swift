import HTTP
import Primitives

/// What a connection keeps while it speaks HTTP/2, with a client or a backend, in memory of its own.
///
/// Its frames gather in the connection's output and go out together at the end of the worker's turn.
struct HTTP2Session: ~Copyable {
  var machine: HTTP2Connection
  /// Whether the worker's list of connections with frames to send holds it.
  var isFramed = false
  /// Whether its output has grown over all bounds: it will be closed at the end of the turn.
  var isOverrun = false
  /// Whether part of a frame, or of a field block, is in: it must come in whole in the time of a head.
  var isPartial = false
  /// Whether streams may have stopped reading from their backends until more can be sent.
  var hasPaused = false
  /// Streams whose output waits for a window, or for the connection.
  var waiting: Int32 = 0
  /// Backend: whether it is in its pool, where streams find it.
  var isPooled = false
  /// Backend: the streams that wait for it to be connected, the first and the last, and how many; each knows the next.
  var firstWaiting: Int32 = -1
  var lastWaiting: Int32 = -1
  var waiters: Int32 = 0
  /// Backend: streams whose responses are through, of which the end is awaited.
  var lateEnds: Int32 = 0
  /// The place whose turn it is to send first.
  var nextPlace: Int32 = 0

  init(_ role: HTTP2Connection.Role, _ bounds: HTTP2Bounds) { machine = HTTP2Connection(role, bounds: bounds) }
}

extension Blueprint {
  /// The bounds of connections of HTTP/2.
  var http2Bounds: HTTP2Bounds {
    var bounds = HTTP2Bounds()
    bounds.streams = http2.streams
    bounds.resets = http2.resets
    bounds.resetPeriod = http2.resetPeriod
    bounds.headerSize = self.bounds.headerSize
    bounds.headerCount = self.bounds.headerCount
    return bounds
  }
}
