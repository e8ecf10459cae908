import Primitives

/// What will happen, by time; what was planned first happens first at the same time.
///
/// A heap of plain keys: moving actions about would count references at every step.
final class Agenda {
  private struct Key {
    var time: Int64
    var number: Int
    var slot: Int
  }

  private var keys: UnsafeMutablePointer<Key>
  private var capacity = 256
  private var count = 0
  private var actions: [(() -> Void)?] = []
  private var freeSlots: [Int] = []
  private var last = 0

  init() { keys = .allocate(capacity: capacity) }

  deinit { keys.deallocate() }

  var next: Instant? { count == 0 ? nil : Instant(nanoseconds: keys[0].time) }

  /// Plans `action`; returns its number.
  @discardableResult
  func add(_ time: Instant, _ action: @escaping () -> Void) -> Int {
    last += 1
    let slot = freeSlots.popLast() ?? actions.count
    if slot == actions.count { actions.append(action) } else { actions[slot] = action }
    if count == capacity { grow() }
    let key = Key(time: time.nanoseconds, number: last, slot: slot)
    var child = count
    count += 1
    while child > 0 {
      let parent = (child - 1) / 2
      guard Agenda.isEarlier(key, keys[parent]) else { break }
      keys[child] = keys[parent]
      child = parent
    }
    keys[child] = key
    return last
  }

  private func grow() {
    let larger = UnsafeMutablePointer<Key>.allocate(capacity: capacity * 2)
    larger.update(from: keys, count: count)
    keys.deallocate()
    keys = larger
    capacity *= 2
  }

  /// Takes out what is due first, if it is due at `now`.
  func takeDue(_ now: Instant) -> (() -> Void)? {
    guard count > 0, keys[0].time <= now.nanoseconds else { return nil }
    let slot = keys[0].slot
    count -= 1
    sink(keys[count])
    let action = actions[slot]
    actions[slot] = nil
    freeSlots.append(slot)
    return action
  }

  /// Puts `key` where it belongs from the top down.
  private func sink(_ key: Key) {
    var parent = 0
    while true {
      var child = 2 * parent + 1
      guard child < count else { break }
      if child + 1 < count, Agenda.isEarlier(keys[child + 1], keys[child]) { child += 1 }
      guard Agenda.isEarlier(keys[child], key) else { break }
      keys[parent] = keys[child]
      parent = child
    }
    keys[parent] = key
  }

  func removeAll() {
    count = 0
    actions.removeAll()
    freeSlots.removeAll()
  }

  private static func isEarlier(_ left: Key, _ right: Key) -> Bool {
    left.time == right.time ? left.number < right.number : left.time < right.time
  }
}
