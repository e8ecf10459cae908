/// One request and the way to answer it, once.
struct PlainExchange: ~Copyable {
  /// The request; its body has been read and counted.
  let request: PlainRequest
  /// Whether the connection may serve another request after this one.
  private(set) var keepsAlive: Bool
  private var channel: PlainChannel
  private let patience: Duration

  init(_ request: PlainRequest, channel: consuming PlainChannel, patience: Duration, keepsAlive: Bool) {
    self.request = request
    self.channel = channel
    self.patience = patience
    self.keepsAlive = keepsAlive
  }

  /// Answers with a whole body; to HEAD only the head of it is sent.
  mutating func answer(_ status: Int, _ contentType: String, _ body: [UInt8], fields: String = "") {
    let length = status == 204 ? "" : "Content-Length: \(body.count)\r\n"
    var bytes = head(status, contentType, length + fields)
    if request.method != "HEAD" { bytes += body }
    if !channel.send(bytes, patience: patience) { keepsAlive = false }
  }

  /// Begins an answer whose pieces follow, chunked (to HTTP/1.0: until the connection closes).
  mutating func beginStream(_ contentType: String) -> Bool {
    let isChunked = request.minorVersion == 1
    if !isChunked { keepsAlive = false }
    let framing = isChunked ? "Transfer-Encoding: chunked\r\n" : ""
    return channel.send(head(200, contentType, framing + "Cache-Control: no-store\r\n"), patience: patience)
  }

  /// Sends one piece, not empty, of a stream.
  mutating func send(_ piece: [UInt8]) -> Bool {
    if request.method == "HEAD" { return true }
    let isChunked = request.minorVersion == 1
    let framed = isChunked ? Array("\(String(piece.count, radix: 16))\r\n".utf8) + piece + Array("\r\n".utf8) : piece
    return channel.send(framed, patience: patience)
  }

  /// Ends a stream; `isWhole` is false when it broke off, which the client is to notice.
  mutating func endStream(isWhole: Bool) {
    let needsEnd = isWhole && request.minorVersion == 1 && request.method != "HEAD"
    if !isWhole || (needsEnd && !channel.send(Array("0\r\n\r\n".utf8), patience: patience)) { keepsAlive = false }
  }

  /// Passes `span`; `false` when the server stops meanwhile.
  func pause(_ span: Duration) -> Bool { channel.pause(span) }

  /// Hands the connection back.
  consuming func release() -> PlainChannel { channel }

  private func head(_ status: Int, _ contentType: String, _ fields: String) -> [UInt8] {
    PlainAnswer.head(status, contentType, fields, keepsAlive: keepsAlive, minorVersion: request.minorVersion)
  }
}

/// The texts of a plain server's answers.
enum PlainAnswer {
  /// The reason phrase of a status that a plain server sends.
  static func reason(_ status: Int) -> String {
    switch status {
    case 200: "OK"
    case 201: "Created"
    case 202: "Accepted"
    case 204: "No Content"
    case 304: "Not Modified"
    case 400: "Bad Request"
    case 401: "Unauthorized"
    case 403: "Forbidden"
    case 404: "Not Found"
    case 405: "Method Not Allowed"
    case 409: "Conflict"
    case 410: "Gone"
    case 412: "Precondition Failed"
    case 413: "Content Too Large"
    case 415: "Unsupported Media Type"
    case 422: "Unprocessable Content"
    case 428: "Precondition Required"
    case 429: "Too Many Requests"
    case 431: "Request Header Fields Too Large"
    case 500: "Internal Server Error"
    case 501: "Not Implemented"
    case 503: "Service Unavailable"
    case 504: "Gateway Timeout"
    default: "Status"
    }
  }

  /// A head; `fields` are whole lines, an empty `contentType` is left out.
  static func head(
    _ status: Int, _ contentType: String, _ fields: String, keepsAlive: Bool, minorVersion: Int
  ) -> [UInt8] {
    let connection = keepsAlive ? (minorVersion == 0 ? "Connection: keep-alive\r\n" : "") : "Connection: close\r\n"
    let type = contentType.isEmpty ? "" : "Content-Type: \(contentType)\r\n"
    let start = "HTTP/1.1 \(status) \(reason(status))\r\n\(type)"
    return Array((start + fields + connection + "\r\n").utf8)
  }

  /// A whole answer that ends the connection, for a request that could not be read.
  static func refusal(_ status: Int, asProblem: Bool = false) -> [UInt8] {
    let body = asProblem ? problem(status) : Array("\(status) \(reason(status))\n".utf8)
    let type = asProblem ? "application/problem+json" : "text/plain; charset=utf-8"
    let fields = "Content-Length: \(body.count)\r\n"
    return head(status, type, fields, keepsAlive: false, minorVersion: 1) + body
  }

  private static func problem(_ status: Int) -> [UInt8] {
    let code =
      switch status {
      case 413: "body_too_large"
      case 431: "head_too_large"
      default: "bad_request"
      }
    return AdminProblem(status, code, "This is no request that can be read.").json
  }
}
