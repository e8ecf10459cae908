import Primitives

/// A connection's place in the wheel and the moment it is due.
struct TimerNode: BitwiseCopyable {
  /// When it is due; `distantFuture` when nothing is.
  var deadline = Instant.distantFuture
  /// The wheel's turn at which it will be looked at; -1 when it is in no list.
  var turn: Int64 = -1
  var next: Int32 = -1
  var previous: Int32 = -1
}

/// One deadline a connection, cheap to move: a later deadline is one store, and the wheel finds out when it looks.
///
/// A node sits in the list of a turn at or before its deadline. When that turn comes, a node whose deadline lies later
/// is put further on. Deadlines beyond the horizon are looked at once a horizon.
struct TimerWheel: ~Copyable {
  /// Nanoseconds of a turn: 2^24, about 17 ms. Deadlines are kept to within one turn, never early.
  static let turnBits: Int64 = 24
  /// Turns until the wheel comes round: about 69 s.
  static let slots: Int64 = 4096
  private let heads: UnsafeMutablePointer<Int32>
  /// A bit for each turn whose list is not empty, and one for each word of those that is not zero.
  private let occupied: UnsafeMutablePointer<UInt64>
  private var occupiedWords: UInt64 = 0
  private var current: Int64

  init(now: Instant) {
    heads = .allocate(capacity: Int(TimerWheel.slots))
    heads.initialize(repeating: -1, count: Int(TimerWheel.slots))
    occupied = .allocate(capacity: Int(TimerWheel.slots / 64))
    occupied.initialize(repeating: 0, count: Int(TimerWheel.slots / 64))
    current = now.nanoseconds >> TimerWheel.turnBits
  }

  deinit {
    heads.deallocate()
    occupied.deallocate()
  }

  /// Sets when the connection in `slot` is due.
  @inline(__always)
  mutating func set(_ slot: Int32, to deadline: Instant, in nodes: UnsafeMutablePointer<Connection>) {
    let node = nodes + Int(slot)
    node.pointee.timer.deadline = deadline
    let turn = deadline.nanoseconds >> TimerWheel.turnBits + 1
    if node.pointee.timer.turn >= 0 ? turn < node.pointee.timer.turn : deadline != .distantFuture {
      relink(slot, turn, in: nodes)
    }
  }

  @inline(never)
  private mutating func relink(_ slot: Int32, _ turn: Int64, in nodes: UnsafeMutablePointer<Connection>) {
    remove(slot, in: nodes)
    let turn = min(max(turn, current + 1), current + TimerWheel.slots - 1)
    let place = Int(turn & (TimerWheel.slots - 1))
    let node = nodes + Int(slot)
    node.pointee.timer.turn = turn
    node.pointee.timer.next = heads[place]
    node.pointee.timer.previous = -1
    if heads[place] >= 0 { nodes[Int(heads[place])].timer.previous = slot }
    heads[place] = slot
    occupied[place / 64] |= 1 << UInt64(place % 64)
    occupiedWords |= 1 << UInt64(place / 64)
  }

  /// Takes the connection in `slot` out of the wheel.
  mutating func remove(_ slot: Int32, in nodes: UnsafeMutablePointer<Connection>) {
    let timer = nodes[Int(slot)].timer
    guard timer.turn >= 0 else { return }
    let place = Int(timer.turn & (TimerWheel.slots - 1))
    if timer.previous >= 0 { nodes[Int(timer.previous)].timer.next = timer.next } else { heads[place] = timer.next }
    if timer.next >= 0 { nodes[Int(timer.next)].timer.previous = timer.previous }
    if heads[place] < 0 {
      occupied[place / 64] &= ~(1 << UInt64(place % 64))
      if occupied[place / 64] == 0 { occupiedWords &= ~(1 << UInt64(place / 64)) }
    }
    nodes[Int(slot)].timer.turn = -1
  }

  /// A connection that is due at `now`, taken out of the wheel; -1 when there is none.
  mutating func takeDue(at now: Instant, in nodes: UnsafeMutablePointer<Connection>) -> Int32 {
    let last = now.nanoseconds >> TimerWheel.turnBits
    while current <= last {
      let place = Int(current & (TimerWheel.slots - 1))
      var slot = heads[place]
      while slot >= 0 {
        let next = nodes[Int(slot)].timer.next
        let deadline = nodes[Int(slot)].timer.deadline
        if deadline <= now {
          remove(slot, in: nodes)
          return slot
        }
        if nodes[Int(slot)].timer.turn <= current { putOff(slot, deadline, in: nodes) }
        slot = next
      }
      if current == last { break }
      let far = last - current > TimerWheel.slots
      current = far ? last - TimerWheel.slots : nextOccupied(upTo: last)
    }
    return -1
  }

  private mutating func putOff(_ slot: Int32, _ deadline: Instant, in nodes: UnsafeMutablePointer<Connection>) {
    remove(slot, in: nodes)
    guard deadline != .distantFuture else { return }
    relink(slot, deadline.nanoseconds >> TimerWheel.turnBits + 1, in: nodes)
  }

  /// The first turn behind the current one whose list is not empty; `last` when there is none before it.
  private func nextOccupied(upTo last: Int64) -> Int64 {
    var turn = current + 1
    while turn < last {
      let place = Int(turn & (TimerWheel.slots - 1))
      let rest = occupied[place / 64] >> UInt64(place % 64)
      if rest != 0 { return min(last, turn + Int64(rest.trailingZeroBitCount)) }
      // On to the next word that has a bit, round the end to this one again.
      let next = UInt64(place / 64 + 1) % 64
      let words = occupiedWords &>> next | occupiedWords &<< (64 &- next)
      guard words != 0 else { return last }
      turn += Int64(64 - place % 64) + 64 * Int64(words.trailingZeroBitCount)
    }
    return last
  }

  /// When the wheel must next be looked at, at the latest; `distantFuture` when it is empty.
  func nextLook() -> Instant {
    let turn = nextOccupied(upTo: current + TimerWheel.slots)
    if turn >= current + TimerWheel.slots { return .distantFuture }
    return Instant(nanoseconds: turn << TimerWheel.turnBits)
  }
}
