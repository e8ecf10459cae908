import Primitives

/// An affinity cookie, and where it was given.
struct Binding {
  var cookie: String
  var tenant: Int
  var place: String
  /// Configurations published when the request was asked that it was given to.
  var published: Int
}

/// Everything about one request that is decided beforehand, and what came of it.
final class RequestPlan {
  /// How a body is delimited.
  enum Framing {
    case none, length, chunked, untilClose
  }

  /// What a backend does wrong, once for each attempt.
  enum Fault: Equatable {
    case none
    /// Reads the request and closes, in order or not, without a byte.
    case closesUnanswered(resetting: Bool)
    /// Sends so many bytes of the body and closes, in order or not.
    case breaksOff(at: Int, resetting: Bool)
    /// Never answers.
    case silence
    /// Sends a head that is no head; the number picks which.
    case malformed(Int)
    /// Sends bytes nobody asked for after its answer.
    case extraBytes
    /// Switches protocols though nobody asked for it.
    case unaskedSwitch
  }

  /// What a client does wrong.
  enum ClientFault: Equatable {
    case none
    /// Gives up once so many bytes of the request are sent.
    case abortsSending(at: Int, resetting: Bool)
    /// Gives up once so many bytes of the response's body came.
    case abortsReceiving(at: Int, resetting: Bool)
    /// Gives up after a while.
    case abortsAfter(Int64, resetting: Bool)
    /// Ends its half after the request, and waits for the answer.
    case halfCloses
  }

  let number: Int
  let tenant: Int
  var method = "GET"
  var minorVersion = 1
  var requestFraming = Framing.none
  var requestSize = 0
  var expectsContinue = false
  var requestHasTrailers = false
  var wantsUpgrade = false
  /// In a tunnel, the backend ends its half first, after so many bytes; -1 when the client does.
  var tunnelCut = -1
  /// Which rule the request breaks; `nil` for none.
  var malformation: Malformation?
  var clientFault = ClientFault.none

  var status = 200
  var responseFraming = Framing.length
  var responseSize = 0
  var responseHasTrailers = false
  var interim = 0
  /// The backend answers before it has read the request's body.
  var answersEarly = false
  /// The backend keeps its connection.
  var keepsConnection = true
  var thinks: Int64 = 0
  /// Longest piece the backend writes at once, and how long it rests after each.
  var piece = 1 << 20
  var rest: Int64 = 0
  /// Longest piece of the request's body that the backend reads at once, and how long it rests after each.
  var readPiece = Int.max
  var readRest: Int64 = 0
  var faults: [Fault] = []

  // What came of it.
  /// Heads that came to backends.
  var arrivals = 0
  /// The fault of the newest attempt.
  var currentFault = Fault.none
  var isAborted = false
  var isFinished = false
  /// Attempts of which a backend said that nobody had looked at them.
  var unseen = 0
  /// Its client, or its backend, took less of a body than anybody has patience with.
  var isStarved = false
  /// Whether the newest backend sent its whole answer.
  var isAnsweredWhole = false
  /// The client waits so long between two pieces that the proxy may lose patience.
  var isSlow = false
  /// The oldest configuration in use when the client began to send it.
  var askedAt = 0
  /// The affinity cookie it carries, if that is its tenant's.
  var binding: Binding?
  /// Where it starts in what its client sends on its connection.
  var startOffset = 0
  /// It was held while its tenant was moved.
  var wasHeld = false
  /// It was in flight when a drain began: it must be served.
  var isInDrain = false
  /// The client's connection.
  var clientLink: Link?
  /// Its client asks it on a stream.
  var isStream = false
  /// What the engine took and sent of its bodies, where they are seen in frames on both sides.
  var passed = PassedBytes()

  init(number: Int, tenant: Int) {
    self.number = number
    self.tenant = tenant
  }

  /// An attempt begins on a stream: what was taken of an answer before counts no more, and the request is sent anew.
  func begin() {
    passed.isSeen = isStream
    passed.downReceived = passed.downSent
    passed.upSent = 0
  }

  /// The same request, of which nothing has come yet.
  func fresh() -> RequestPlan {
    let plan = RequestPlan(number: number, tenant: tenant)
    plan.method = method
    plan.minorVersion = minorVersion
    plan.requestFraming = requestFraming
    plan.requestSize = requestSize
    plan.expectsContinue = expectsContinue
    plan.requestHasTrailers = requestHasTrailers
    plan.wantsUpgrade = wantsUpgrade
    plan.tunnelCut = tunnelCut
    plan.malformation = malformation
    plan.clientFault = clientFault
    plan.status = status
    plan.responseFraming = responseFraming
    plan.responseSize = responseSize
    plan.responseHasTrailers = responseHasTrailers
    plan.interim = interim
    plan.answersEarly = answersEarly
    plan.keepsConnection = keepsConnection
    plan.thinks = thinks
    plan.piece = piece
    plan.rest = rest
    plan.readPiece = readPiece
    plan.readRest = readRest
    plan.faults = faults
    return plan
  }

  var requestBody: Pattern { Pattern(tenant: tenant, request: number, .request) }
  var responseBody: Pattern { Pattern(tenant: tenant, request: number, .response) }
  var tunnelBytes: Pattern { Pattern(tenant: tenant, request: number, .tunnelUp) }

  /// Whether the newest backend broke its answer off.
  var isBrokenOff: Bool { if case .breaksOff = currentFault { true } else { false } }

  /// Whether sending it twice does no harm.
  var isSafe: Bool { ["GET", "HEAD", "OPTIONS"].contains(method) && requestFraming == .none }

  /// Whether the answer has no body, whatever its fields say.
  var hasNoBody: Bool { method == "HEAD" || status == 204 || status == 304 }

  /// The plan in a line, for traces.
  var summary: String {
    var text = "request \(number): \(method) 1.\(minorVersion) of tenant \(tenant), \(requestFraming) \(requestSize)"
    if let malformation { return text + " \(malformation)" }
    if expectsContinue { text += " expects-continue" }
    if wantsUpgrade { text += " upgrade cut \(tunnelCut)" }
    text += "; answer \(status) \(responseFraming) \(responseSize)"
    if answersEarly { text += " early" }
    if !keepsConnection { text += " closes" }
    if interim > 0 { text += " interim \(interim)" }
    return text + "; faults \(faults), client \(clientFault)"
  }

  var target: String { "/r/\(number)" }

  /// The number in a target or path.
  static func number(in target: String) -> Int? {
    guard target.hasPrefix("/r/") else { return nil }
    return Int(target.dropFirst(3).prefix { $0.isNumber })
  }

  /// The request as the client sends it, head apart from body.
  ///
  /// Of a stream's head what belongs to a connection is left out.
  func requestHead(host: String, isLast: Bool, cookie: String? = nil, isStream: Bool = false) -> [UInt8] {
    if let malformation, !isStream { return malformation.bytes(self, host: host) }
    var text = "\(method) \(target) HTTP/1.\(minorVersion)\r\nHost: \(host)\r\n"
    // What the proxy must not let through, in several spellings.
    if number % 3 == 0 { text += "x-tenant-id: forged\r\n" }
    if number % 5 == 0 { text += "X_Tenant_Id: forged\r\n" }
    if number % 5 == 0, !isStream { text += "Connection: x-tenant-id\r\n" }
    if number % 7 == 0 { text += "X-Placement-Shard: forged\r\n" }
    if number % 7 == 0, !isStream { text += "X-Hop: 1\r\nConnection: x-hop\r\n" }
    if let cookie { text += "Cookie: a=b; \(cookie)\r\n" }
    if wantsUpgrade { text += "Connection: upgrade\r\nUpgrade: echo\r\n" }
    if minorVersion == 1, isLast, !wantsUpgrade, number % 2 == 0, !isStream { text += "Connection: close\r\n" }
    if minorVersion == 0, !isLast, !isStream { text += "Connection: keep-alive\r\n" }
    if expectsContinue { text += "Expect: 100-continue\r\n" }
    switch requestFraming {
    case .length: text += "Content-Length: \(requestSize)\r\n"
    case .chunked: if !isStream { text += "Transfer-Encoding: chunked\r\n" }
    case .none, .untilClose: break
    }
    return Array((text + "\r\n").utf8)
  }

  /// The request's body in its framing.
  func requestBodyBytes(_ random: inout SeededRandom) -> [UInt8] {
    if malformation != nil { return [] }
    switch requestFraming {
    case .none, .untilClose: return []
    case .length: return requestBody.bytes(0, requestSize)
    case .chunked:
      let trailers = requestHasTrailers ? "X-Check: \(number)\r\nX-Tenant-ID: forged\r\n" : ""
      return Self.chunks(requestBody, requestSize, &random) + Array("0\r\n\(trailers)\r\n".utf8)
    }
  }

  /// `size` bytes of `pattern` in chunks, without the last one.
  static func chunks(_ pattern: Pattern, _ size: Int, _ random: inout SeededRandom) -> [UInt8] {
    var bytes: [UInt8] = []
    var offset = 0
    while offset < size {
      let count = min(size - offset, 1 + random.below(random.chance(30) ? 12 : 9_000))
      bytes += Array(String(count, radix: 16).utf8) + [13, 10] + pattern.bytes(offset, count) + [13, 10]
      offset += count
    }
    return bytes
  }
}

/// The backend's answer.
extension RequestPlan {
  /// The head of its answer; a stream's has nothing of a connection.
  func responseHead(place: Int?, isStream: Bool = false) -> [UInt8] {
    var text = "HTTP/1.1 \(status) Whatever\r\nX-Origin-Id: \(number)\r\nX-Origin-Tenant: \(tenant)\r\n"
    if let place { text += "X-Origin-Place: \(place)\r\n" }
    if number % 4 == 0, !isStream { text += "Connection: x-hop\r\nX-Hop: 1\r\n" }
    if !keepsConnection, !isStream { text += "Connection: close\r\n" }
    if status != 204 {
      switch responseFraming {
      case .length: text += "Content-Length: \(responseSize)\r\n"
      case .chunked: if !isStream { text += "Transfer-Encoding: chunked\r\n" }
      case .none, .untilClose: break
      }
    }
    return Array((text + "\r\n").utf8)
  }

  func responseBodyBytes(_ random: inout SeededRandom) -> [UInt8] {
    if hasNoBody { return [] }
    guard responseFraming == .chunked else { return responseBody.bytes(0, responseSize) }
    let trailers = responseHasTrailers ? "X-Check: \(number)\r\n" : ""
    return Self.chunks(responseBody, responseSize, &random) + Array("0\r\n\(trailers)\r\n".utf8)
  }
}
