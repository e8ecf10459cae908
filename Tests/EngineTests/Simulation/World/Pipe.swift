import Primitives

/// One way of a connection: what was sent and is on the way, and what arrived and was not read.
struct Pipe {
  /// Taken from the sender, not arrived.
  var sent = ByteQueue()
  /// Arrived, not read.
  var arrived = ByteQueue()
  /// Most bytes on the way.
  private(set) var sendBound: Int
  /// Most bytes unread.
  private(set) var receiveBound: Int
  /// Longest piece that arrives at once.
  private(set) var piece: Int
  /// The sender has ended this way.
  var isEnding = false
  /// The end has arrived.
  var hasEnded = false
  /// Bytes that have arrived so far.
  var arrivedCount = 0
  /// A piece is under way: the number of its event.
  var moving: Int?
  /// Nothing arrives in one piece with what lies behind so many bytes.
  private var cut = 0
  /// From now on all that is on the way arrives at once.
  var isWhole = false
  /// Nothing arrives any more, and nobody is told.
  var isBlackHole = false

  init(_ weather: Weather, _ random: inout SeededRandom) {
    sendBound = random.pick([512, 4 << 10, 32 << 10, 256 << 10])
    receiveBound = random.pick([512, 4 << 10, 32 << 10, 256 << 10])
    piece = random.chance(weather.tiny) ? 1 + random.below(9) : random.pick([97, 1_460, 16 << 10, 1 << 20])
  }

  /// Splits bytes as a test says, and leaves nothing of that to chance.
  mutating func split(_ splits: Splits, isFromClient: Bool) {
    (sendBound, receiveBound, piece) = (256 << 10, 256 << 10, 1 << 20)
    isWhole = true
    switch splits {
    case .none: break
    case .bytes: (piece, isWhole) = (1, false)
    case .clientsBefore(let place): if isFromClient { cut = place }
    case .backendsBefore(let place): if !isFromClient { cut = place }
    }
  }

  /// Bytes the sender may still send.
  var room: Int { max(0, sendBound - sent.count) }
  /// Whether there is enough room to tell a sender who waits for it, by the kernel's rule of a third.
  var hasAmpleRoom: Bool { room * 3 >= sendBound }

  /// Forgets what is on the way, and that an end was to come behind it.
  mutating func lose() {
    sent.removeAll()
    isEnding = false
  }

  /// Whether something can arrive.
  var canMove: Bool {
    guard !isBlackHole, !hasEnded else { return false }
    return sent.isEmpty ? isEnding : arrived.count < receiveBound
  }

  /// Lets a piece arrive, and the end if it comes next and `withEnd`; returns whether anything did.
  mutating func move(_ random: inout SeededRandom, moved: Int, withEnd: Bool) -> Bool {
    guard canMove else { return false }
    if sent.isEmpty {
      hasEnded = true
      return true
    }
    // A long transfer in tiny pieces proves no more than its start does.
    let bound = moved > 3_000 ? max(piece, 1_460) : piece
    var count = min(sent.count, receiveBound - arrived.count, isWhole ? .max : 1 + random.below(bound))
    if arrivedCount < cut { count = min(count, cut - arrivedCount) }
    sent.move(count, to: &arrived)
    arrivedCount += count
    if sent.isEmpty, isEnding, withEnd { hasEnded = true }
    return true
  }
}
