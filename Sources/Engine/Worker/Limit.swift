import Primitives

/// The named bounds of a worker. None of them is reached by a well-behaved client or backend.
enum Limit {
  /// Bytes received at a time while a body passes: the size of the worker's scratch buffer.
  static let scratch = 256 << 10
  /// Bytes received at a time while a head is awaited; bounds what a client can pipeline into memory.
  static let headRead = 16 << 10
  /// Bytes of free room before the scratch buffer's data, for a chunk header.
  static let headroom = 64
  /// Bytes of the buffer in which heads and answers are built.
  static let writeScratch = 320 << 10
  /// Bytes of a body that are copied behind its head to save a call; longer ones are sent from where they are.
  static let copiedBody = 8 << 10
  /// Bytes of the fields that the proxy adds to an answer.
  static let ownFields = 4 << 10
  /// Bytes of a trailer section.
  static let trailers = 16 << 10
  /// Receives in a row from one connection before others get their turn.
  static let receivesInTurn = 8
  /// Requests of one connection answered in a row before others get their turn.
  static let requestsInTurn = 32
  /// Connections accepted in a row before others get their turn.
  static let acceptsInTurn = 64
  /// Interim responses passed on for one request.
  static let interimResponses = 16
  /// Names of limits of the process's life.
  static let limitNames = 65_536
  /// Soft lines crossed that may wait to be told of.
  static let limitEvents = 1_024
  /// Requests of a worker that wait for tokens they were given ahead of time.
  static let delayedRequests = 16_384
  /// How long bytes that pass may be missing in quotas.
  static let byteCount: Int64 = 400 * .millisecond
  /// Bytes of the fields that tell a client of its limits.
  static let limitText = 8 << 10
  /// The most that a response may say its request cost.
  static let requestCost: Int64 = 1_000_000_000_000
  /// Attempts of one exchange, unless its shard says otherwise, and at most.
  static let attempts = 3
  static let mostAttempts = 5
  /// Client connections over the bound that are told so rather than left waiting.
  static let surplusConnections = 64
  /// Bytes discarded from a client that sends on after its answer.
  static let lingerBytes = 1 << 20
  /// How long a client that sends on after its answer may pause.
  static let linger: Int64 = 2 * .second
  /// How long such a client is listened to in all.
  static let lingerWhole: Int64 = 30 * .second
  /// How long accepting rests after the process ran out of descriptors.
  static let acceptRest: Int64 = 100 * .millisecond
  /// Where there is no room for further clients: how long those that are parted from have been idle at least, and how many
  /// are looked at, and parted from, in each rest.
  static let idleAtLeast: Int64 = 1 * .second
  static let idleLooks = 4_096
  static let idleParted = 128
  /// How long a client that ended its half is served before it is asked whether it is still there.
  static let abortProbe: Int64 = 500 * .millisecond
  /// Bytes received at a time from a client that speaks HTTP/2.
  static let frameRead = 64 << 10
  /// Receives in a row from such a client before others get their turn.
  static let frameReads = 2
  /// Bytes of frames gathered for one send.
  static let framesInSend = 64 << 10
  /// Bytes of frames that may wait for a client before nothing more is taken from it.
  static let frameBacklog = 256 << 10
  /// Idle connections to a backend that are looked at for one of a tenant's own.
  static let poolLooks = 256
  /// Bytes that a stream which waits for its window must send for its time to start anew.
  static let streamProgress = 4_096
  /// How long a client is given to learn that its connection ends.
  static let shutdownWait: Int64 = 1 * .second
  /// How long a backend may take to say that a stream ends whose response has come in whole.
  static let lateEnd: Int64 = 1 * .second
  /// Streams of a connection to a backend that wait for this at once.
  static let lateEnds = 32
  /// Streams of HTTP/2 of a worker, of all connections.
  static let streams = 65_536
  /// Upstream connections of a worker, in pools and out of them.
  static let upstreamConnections = 65_536
  /// Event loops of a process.
  static let workers = 1_024
  /// Shards of the process's life, configured at any time.
  static let shards = 4_096
  /// Backends of the process's life, configured at any time.
  static let backends = 65_536
  /// Descriptors with TLS or the like on them: the kernel's own bound (`fs.nr_open`) unless somebody raised it.
  static let descriptors = 1 << 20
  /// Requests of a tenant in flight in the process before this one that are believed.
  static let mostElsewhere = 1 << 24
  /// Tenants whose requests are held at once.
  static let tenantHolds = 128
  /// Requests of all tenants that are held, and the bytes of memory they take.
  static let heldRequests = 65_536
  static let heldBytes = 512 << 20
  /// How often a worker looks at what it holds.
  static let holdLook: Int64 = 5 * .millisecond
  /// Requests that were held and are under way at once, for each worker and tenant; so many more are let go each time
  /// that the span has passed, whatever became of those before.
  static let releasedAtOnce = 64
  static let releaseSpan: Int64 = 100 * .millisecond
  /// How long a move waits for calls of gRPC whose answers have begun.
  static let callDrain: Int64 = 1 * .second
  /// How long the end of a WebSocket waits for the end of a frame.
  static let frameWait: Int64 = 2 * .second
  /// Bytes of a field value kept for the access log.
  static let loggedText = 1_024
  /// Bytes of access records that may wait for their writer, per worker.
  static let recordRing = 4 << 20
}
