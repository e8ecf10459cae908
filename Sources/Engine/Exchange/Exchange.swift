import HTTP
import Primitives
import Tenancy

/// How far an exchange is. It ends in `Worker.finish`, whatever happens.
enum ExchangePhase: UInt8, BitwiseCopyable {
  /// Who asks, and whether they may.
  case admitting
  /// Waits for a slot of its shard.
  case queued
  /// Waits while its tenant is moved.
  case held
  /// A connection to a backend is being opened.
  case connecting
  /// The request is on its way; nothing of the response has come.
  case sending
  /// The response's head has been passed on.
  case receiving
  /// Bytes of an upgraded protocol pass both ways.
  case tunnel
}

/// Facts about an exchange, each a bit.
struct ExchangeFlags: OptionSet, BitwiseCopyable {
  let rawValue: UInt32
  /// The client's connection stays open afterwards, as far as the client is concerned.
  static let keepsClient = ExchangeFlags(rawValue: 1)
  /// The request has been received in whole.
  static let isRequestComplete = ExchangeFlags(rawValue: 2)
  /// The client asked for another protocol.
  static let wantsUpgrade = ExchangeFlags(rawValue: 4)
  /// Sending the request twice does no harm, and the whole of it is kept (GET, HEAD, OPTIONS without body).
  static let isReplayable = ExchangeFlags(rawValue: 8)
  /// Some of the request was taken by the current upstream connection.
  static let isSent = ExchangeFlags(rawValue: 16)
  /// The final response's head has been sent to the client.
  static let isAnswered = ExchangeFlags(rawValue: 32)
  /// The tenant's count of requests in flight holds this one.
  static let isCounted = ExchangeFlags(rawValue: 64)
  /// The response carries a new affinity cookie.
  static let setsCookie = ExchangeFlags(rawValue: 128)
  /// The rate limit's state is shown to the client.
  static let showsRate = ExchangeFlags(rawValue: 256)
  /// The backend's connection may be used again afterwards, as far as the backend is concerned.
  static let keepsUpstream = ExchangeFlags(rawValue: 512)
  /// The answer to a HEAD request has no body.
  static let isHead = ExchangeFlags(rawValue: 1024)
  /// The client prefers HTML to JSON.
  static let prefersHTML = ExchangeFlags(rawValue: 2048)
  /// The client is a stream of HTTP/2.
  static let isStream = ExchangeFlags(rawValue: 4096)
  /// The backend is spoken to in HTTP/2.
  static let toHTTP2 = ExchangeFlags(rawValue: 16384)
  /// The client said that it will ask for no more on its connection.
  static let isLast = ExchangeFlags(rawValue: 32768)
  /// The load of the backend counts this attempt.
  static let isLoading = ExchangeFlags(rawValue: 8192)
  /// Holds a slot of its shard; with the second, one of the few for long requests.
  static let holdsSlot = ExchangeFlags(rawValue: 1 << 16)
  static let holdsLongSlot = ExchangeFlags(rawValue: 1 << 17)
  /// How it fares is looked at: its shard asks for that.
  static let isWatched = ExchangeFlags(rawValue: 1 << 18)
  /// How it fares decides whether its tenant's breaker stays open.
  static let isTrial = ExchangeFlags(rawValue: 1 << 19)
  /// Its tenant's plan has timeouts of its own: `timeouts`.
  static let hasTimeouts = ExchangeFlags(rawValue: 1 << 20)
  /// A watched call of gRPC has been answered, but how it fared only its trailers will tell.
  static let awaitsStatus = ExchangeFlags(rawValue: 1 << 21)
  /// It will be held as soon as its head is kept.
  static let isToBeHeld = ExchangeFlags(rawValue: 1 << 22)
  /// A hold of its tenant counts it: as held, as let go (with the second), or as under way.
  static let isMoving = ExchangeFlags(rawValue: 1 << 23)
  static let isReleased = ExchangeFlags(rawValue: 1 << 24)
  /// The tunnel is a WebSocket; its bodies tell how far the frames of each side are.
  static let isWebSocket = ExchangeFlags(rawValue: 1 << 25)
  /// It was sent anew since its backend knew a newer placement.
  static let wasStale = ExchangeFlags(rawValue: 1 << 26)
}

/// How an affinity cookie fared.
enum AffinityResult: UInt8, BitwiseCopyable {
  case none, bound, kept, rebound, rejected
}

/// One side's body on its way through.
struct BodyProgress: BitwiseCopyable {
  /// How the sender delimits it.
  var framing = BodyFraming.none
  /// Bytes still to come, with `length` framing.
  var remaining: Int64 = 0
  /// Bytes that came.
  var received: Int64 = 0
  var decoder = ChunkedDecoder()
}

/// Where texts for the access log and answers lie in the kept buffer.
struct KeptTexts: BitwiseCopyable {
  var requestID = ByteRange.none
  var tenant = ByteRange.none
  var plan = ByteRange.none
  var shard = ByteRange.none
  var method = ByteRange.none
  var host = ByteRange.none
  var path = ByteRange.none
  var userAgent = ByteRange.none
  var referer = ByteRange.none
  /// Fields about limits, with their line ends.
  var rateLimit = ByteRange.none
}

/// The life of one request: by value all that was decided of it, so that a reload in between changes nothing.
struct Exchange: BitwiseCopyable {
  /// The client's connection.
  var client: Int32
  /// The backend's connection, -1 when there is none.
  var upstream: Int32 = -1
  var phase = ExchangePhase.admitting
  var flags: ExchangeFlags = []
  var minorVersion: UInt8 = 1
  var method = Method.get
  var code = RefusalCode.none
  var source = TenantSource.none
  var affinity = AffinityResult.none
  /// The fields that gave it a deadline.
  var deadlines: DeadlineFields = []
  var attempts: UInt8 = 0
  var interim: UInt8 = 0
  /// The slot whose timer ends it, -1 when it has no deadline of its own.
  var alarm: Int32 = -1
  /// The status sent, 0 before.
  var status: UInt16 = 0
  var tenant: TenantIndex = -1
  /// Numbers of the roster, -1 when there is none.
  var shard: Int32 = -1
  var backend: Int32 = -1
  /// Backends tried before the current one, by number.
  var tried: (Int32, Int32) = (-1, -1)
  var epoch: UInt64 = 0
  /// What the rate limit said, and its rule, for RateLimit fields.
  var admission = Admission(isAdmitted: true, remaining: 0, wait: 0)
  var rate = RequestRate(count: 0, period: 1, burst: 0)
  /// The limit that refused it, by number; -1 when its code says which.
  var limit: Int32 = -1
  /// What it holds of limits other than plain ones, -1 for nothing.
  var hold: Int32 = -1
  /// Nanoseconds that its limits make it wait, 0 once it has.
  var pause: Int64 = 0
  var request = BodyProgress()
  var response = BodyProgress()
  /// How the response's body is delimited towards the client.
  var delivery = BodyFraming.none
  /// Texts for the log, then what waits to be sent first: the request head as the backend gets it and the first bytes
  /// of the body. Held until the exchange ends, for other attempts.
  var kept = Buffer()
  /// Where the head ends in it.
  var keptHead: Int32 = 0
  /// Where trailers begin in it, 0 when there are none; towards HTTP/2 only.
  var keptTrailers: Int32 = 0
  var texts = KeptTexts()
  /// Monotonic times.
  var started: Instant
  var attemptStarted = Instant.distantPast
  var connected = Instant.distantPast
  var firstByte = Instant.distantPast
  /// Wall time of the start, in nanoseconds since 1970; 0 when no record is wanted.
  var wallStarted: Int64 = 0
  var bytesIn: UInt64 = 0
  var bytesOut: UInt64 = 0
  /// Its place in the queue of its shard, since when, and until when it may wait.
  var ticket = QueueTicket.none
  var parkedAt = Instant.distantPast
  var parkedUntil = Instant.distantFuture
  /// A backend of its shard when it began to wait, by number: a reload may take the shard away meanwhile. Of one that is
  /// held, the bytes it takes.
  var parkedBackend: Int32 = -1
  /// How long it waited; -1 when it did not.
  var queued: Int64 = -1
  /// The backend whose slot it holds, by number, and since when.
  var slotBackend: Int32 = -1
  var slotTaken = Instant.distantPast
  /// What its plan says of timeouts, where `hasTimeouts`.
  var timeouts = PlanTimeouts()

  init(client: Int32, started: Instant) {
    self.client = client
    self.started = started
  }
}
