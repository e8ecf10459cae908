public import Platform
public import Primitives

/// Serves `/metrics`, `/livez` and `/readyz` on threads of its own, never on a worker's.
///
/// At most 16 connections at a time; a request head has 5 s and 8 KiB.
public final class MetricsServer: Sendable {
  /// What is answered.
  public struct Answer: Sendable {
    /// The status, 200 or 503.
    public var status: Int
    /// The media type of `body`.
    public var contentType: String
    /// The whole body.
    public var body: [UInt8]

    /// An answer of these parts.
    public init(status: Int, contentType: String, body: [UInt8]) {
      self.status = status
      self.contentType = contentType
      self.body = body
    }

    /// A line of plain text.
    public init(status: Int, text: String) {
      self.init(status: status, contentType: "text/plain; charset=utf-8", body: Array((text + "\n").utf8))
    }
  }

  /// The paths that are served.
  public static let paths = ["/metrics", "/livez", "/readyz"]

  /// Connections served at a time.
  static let connectionBound = 16

  let server: PlainServer

  /// Binds every endpoint, or none, and starts to serve.
  ///
  /// `answer` is called with one of `paths` and the request's `Accept` field, on several threads at once.
  ///
  /// - Parameters:
  ///   - inherited: sockets that are open already.
  ///   - rests: whether connections wait until `resume()`.
  public init(
    at endpoints: [Endpoint], inherited: InheritedSockets = InheritedSockets(), rests: Bool = false,
    answer: @escaping @Sendable (_ path: String, _ accept: String?) -> Answer
  ) throws(SystemError) {
    var bounds = PlainServer.Bounds(connections: MetricsServer.connectionBound)
    bounds.inherited = inherited
    bounds.rests = rests
    server = try PlainServer(name: "metrics", at: endpoints, bounds: bounds) { exchange in
      let request = exchange.request
      if !MetricsServer.paths.contains(request.path) {
        exchange.answer(404, "text/plain; charset=utf-8", Array("here are /metrics, /livez and /readyz\n".utf8))
      } else if request.method != "GET" && request.method != "HEAD" {
        exchange.answer(405, "text/plain; charset=utf-8", Array("GET only\n".utf8), fields: "Allow: GET, HEAD\r\n")
      } else {
        let answer = answer(request.path, request.field("accept"))
        exchange.answer(answer.status, answer.contentType, answer.body, fields: "Cache-Control: no-store\r\n")
      }
    }
  }

  /// Where the server listens; a port 0 asked for is here the one that was given.
  public var endpoints: [Endpoint] { server.endpoints }

  /// Ends the threads, breaks off what they serve and closes the sockets; must be called before the server is let go.
  public func stop() { server.stop() }
}
