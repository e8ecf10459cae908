/// One stream of a connection, from its first frame until both halves have ended or it is reset.
public struct HTTP2Stream: Sendable, BitwiseCopyable {
  /// Its number on the wire; 0 when the place is free.
  public internal(set) var id: UInt32 = 0
  /// What the owner of the connection calls it.
  public var owner: Int32 = -1
  /// Whether the peer's half has ended.
  public internal(set) var hasEnded = false
  /// Whether our half has ended.
  public internal(set) var hasSentEnd = false
  /// Whether all that is missing is the end of the peer's half.
  public var lacksEnd: Bool { hasSentEnd && !hasEnded && !isReset }
  /// Its place among those that could be sent on.
  public internal(set) var rank = StreamRank.unsaid
  /// Whether it was reset, by either side.
  public internal(set) var isReset = false
  /// Client: whether the final response's head has come. Server: always.
  var hasHead = true
  /// Bytes of DATA that we may send; below 0 after the peer made its initial window smaller (RFC 9113 §6.9.2).
  var sendWindow: Int64 = 0
  /// Bytes of DATA that the peer may send.
  var receiveWindow: Int64 = 0
  /// Bytes received that have not been given back.
  public internal(set) var held: Int64 = 0
  /// Bytes given back that the peer has not been told of.
  var credit: Int64 = 0
  /// Bytes of DATA that must still come by Content-Length; -1 when none was given.
  var expected: Int64 = -1
}

/// The streams of one connection, found by number and by place; a place stays the same for the stream's life.
struct StreamTable: ~Copyable {
  /// Streams at most.
  let bound: Int
  /// Streams there are.
  private(set) var count = 0
  private var streams: UnsafeMutablePointer<HTTP2Stream>
  /// Places that were in use at any time.
  private(set) var places = 0
  private var capacity: Int
  /// Places by hash of the number, -1 where there is none: open addressing, at most half full.
  private var index: UnsafeMutablePointer<Int32>
  private var mask: Int
  private var firstFree: Int32 = -1

  init(bound: Int) {
    self.bound = bound
    capacity = min(bound, 8)
    streams = .allocate(capacity: capacity)
    mask = StreamTable.slots(capacity) - 1
    index = .allocate(capacity: mask + 1)
    index.initialize(repeating: -1, count: mask + 1)
  }

  deinit {
    streams.deallocate()
    index.deallocate()
  }

  private static func slots(_ capacity: Int) -> Int {
    var slots = 16
    while slots < 2 * capacity { slots <<= 1 }
    return slots
  }

  @inline(__always)
  subscript(place: Int32) -> UnsafeMutablePointer<HTTP2Stream> { streams + Int(place) }

  /// The place of stream `id`, -1 when it is not open.
  func place(of id: UInt32) -> Int32 {
    var slot = Int(id &>> 1) & mask
    while index[slot] >= 0 {
      if self[index[slot]].pointee.id == id { return index[slot] }
      slot = (slot &+ 1) & mask
    }
    return -1
  }

  /// Adds a stream and returns its place; -1 when there are as many as may be.
  mutating func insert(_ stream: HTTP2Stream) -> Int32 {
    guard count < bound else { return -1 }
    let place: Int32
    if firstFree >= 0 {
      place = firstFree
      firstFree = self[place].pointee.owner
    } else {
      if places == capacity { grow() }
      place = narrow(places)
      places &+= 1
    }
    self[place].initialize(to: stream)
    link(place)
    count &+= 1
    return place
  }

  private mutating func link(_ place: Int32) {
    var slot = Int(self[place].pointee.id &>> 1) & mask
    while index[slot] >= 0 { slot = (slot &+ 1) & mask }
    index[slot] = place
  }

  private mutating func grow() {
    let larger = min(bound, 2 * capacity)
    let fresh = UnsafeMutablePointer<HTTP2Stream>.allocate(capacity: larger)
    fresh.initialize(from: streams, count: places)
    streams.deallocate()
    streams = fresh
    index.deallocate()
    capacity = larger
    mask = StreamTable.slots(larger) - 1
    index = .allocate(capacity: mask + 1)
    index.initialize(repeating: -1, count: mask + 1)
    for place in 0..<narrow(places) where self[place].pointee.id != 0 { link(place) }
  }

  /// Frees a place.
  mutating func remove(_ place: Int32) {
    unlink(place)
    self[place].pointee.id = 0
    self[place].pointee.owner = firstFree
    firstFree = place
    count &-= 1
  }

  /// Takes a place out of the index; those behind it in its run move up where they may.
  private func unlink(_ place: Int32) {
    var slot = Int(self[place].pointee.id &>> 1) & mask
    while index[slot] != place { slot = (slot &+ 1) & mask }
    var next = (slot &+ 1) & mask
    while index[next] >= 0 {
      let home = Int(self[index[next]].pointee.id &>> 1) & mask
      if (next &- home) & mask >= (next &- slot) & mask {
        index[slot] = index[next]
        slot = next
      }
      next = (next &+ 1) & mask
    }
    index[slot] = -1
  }
}
