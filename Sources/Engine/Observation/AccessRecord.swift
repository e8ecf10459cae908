public import Primitives

/// What is known of a finished request: the fixed part of an access record.
///
/// Absent times are -1. Texts follow the fixed part in the ring and are read through `AccessRecordView`.
public struct AccessRecord: Sendable, BitwiseCopyable {
  /// When the request's first byte came, in nanoseconds since 1970 (wall clock).
  public var time: Int64 = 0
  /// From the first byte to the end of the answer, in nanoseconds.
  public var duration: Int64 = 0
  /// Waiting in a queue, in nanoseconds.
  public var queued: Int64 = -1
  /// Until the backend accepted the connection, in nanoseconds; absent on pooled connections.
  public var connect: Int64 = -1
  /// From the first byte of the request to the first byte of the response, in nanoseconds.
  public var firstByte: Int64 = -1
  /// Bytes received from the client, head and body.
  public var bytesIn: UInt64 = 0
  /// Bytes sent to the client, head and body.
  public var bytesOut: UInt64 = 0
  /// The placement's epoch; -1 when no shard was named.
  public var epoch: Int64 = -1
  /// The client's address.
  public var client = IPAddress(high: 0, low: 0)
  /// The client's port; 0 on Unix sockets.
  public var clientPort: UInt16 = 0
  /// The status sent, 0 when the client left before one.
  public var status: UInt16 = 0
  /// Connections tried.
  public var attempts: UInt8 = 0
  /// The client's minor version of HTTP/1; of no meaning for HTTP/2.
  public var minorVersion: UInt8 = 1
  /// Whether the request came by HTTP/2.
  public var isHTTP2 = false

  /// What was spoken, as logs say it.
  public var protocolName: StaticString { isHTTP2 ? "HTTP/2.0" : minorVersion == 0 ? "HTTP/1.0" : "HTTP/1.1" }

  /// A record of nothing.
  public init() {}
}

/// One text of an access record; the raw value is its place in the ring.
public enum AccessText: UInt8, CaseIterable, Sendable {
  case requestID, tenant, tenantSource, plan, shard, backend, method, host, path, code, limit, affinity, userAgent,
    referer
}
