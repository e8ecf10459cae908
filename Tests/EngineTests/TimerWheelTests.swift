import Primitives
import Testing

@testable import Engine

@Suite struct TimerWheelTests {
  private func nodes(_ count: Int) -> UnsafeMutablePointer<Connection> {
    let nodes = UnsafeMutablePointer<Connection>.allocate(capacity: count)
    nodes.initialize(repeating: Connection(socket: 0, role: .client, phase: .idle), count: count)
    return nodes
  }

  @Test func neverEarlyAndWithinOneTurn() {
    var random = SeededRandom(seed: 7)
    var now = Instant(nanoseconds: 1_000_000_000_000)
    var wheel = TimerWheel(now: now)
    let count = 500
    let nodes = nodes(count)
    defer { nodes.deallocate() }
    var expected = [Int32: Instant]()
    for slot in 0..<Int32(count) {
      let deadline = now.advanced(by: Int64(random.below(200)) * .second + Int64(random.below(1_000_000_000)))
      wheel.set(slot, to: deadline, in: nodes)
      expected[slot] = deadline
    }
    let turn = Int64(1) << TimerWheel.turnBits
    while !expected.isEmpty {
      now = max(now, wheel.nextLook())
      while true {
        let slot = wheel.takeDue(at: now, in: nodes)
        guard slot >= 0 else { break }
        let deadline = expected.removeValue(forKey: slot)
        #expect(deadline != nil)
        #expect(deadline! <= now)
        #expect(now - deadline! <= 2 * turn)
      }
      if !expected.isEmpty { #expect(wheel.nextLook() < .distantFuture) }
    }
    #expect(wheel.nextLook() == .distantFuture)
  }

  @Test func aLaterDeadlineIsKeptAndAnEarlierOneToo() {
    let now = Instant(nanoseconds: 5 * .second)
    var wheel = TimerWheel(now: now)
    let nodes = nodes(2)
    defer { nodes.deallocate() }
    wheel.set(0, to: now.advanced(by: 1 * .second), in: nodes)
    wheel.set(0, to: now.advanced(by: 10 * .second), in: nodes)
    wheel.set(1, to: now.advanced(by: 60 * .second), in: nodes)
    wheel.set(1, to: now.advanced(by: 2 * .second), in: nodes)
    #expect(wheel.takeDue(at: now.advanced(by: 1_900 * .millisecond), in: nodes) == -1)
    #expect(wheel.takeDue(at: now.advanced(by: 2_100 * .millisecond), in: nodes) == 1)
    #expect(wheel.takeDue(at: now.advanced(by: 9_900 * .millisecond), in: nodes) == -1)
    #expect(wheel.takeDue(at: now.advanced(by: 10_100 * .millisecond), in: nodes) == 0)
  }

  @Test func aNodeTakenOutIsNotDue() {
    let now = Instant(nanoseconds: 0)
    var wheel = TimerWheel(now: now)
    let nodes = nodes(3)
    defer { nodes.deallocate() }
    for slot in 0..<Int32(3) { wheel.set(slot, to: now.advanced(by: .second), in: nodes) }
    wheel.remove(1, in: nodes)
    wheel.set(2, to: .distantFuture, in: nodes)
    #expect(wheel.takeDue(at: now.advanced(by: 2 * .second), in: nodes) == 0)
    #expect(wheel.takeDue(at: now.advanced(by: 100 * .second), in: nodes) == -1)
  }
}
