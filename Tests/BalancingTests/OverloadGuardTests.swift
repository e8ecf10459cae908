import Primitives
import Testing

@testable import Balancing

@Suite struct OverloadGuardTests {
  private func use(memory: Int64 = 0, descriptors: Int64 = 0, lag: Int64 = 0) -> ResourceUse {
    var use = ResourceUse()
    (use.memory, use.memoryBound, use.descriptors, use.descriptorBound, use.loopLag) = (
      memory, 1_000, descriptors, 100, lag
    )
    return use
  }

  private var rules: OverloadRules {
    var rules = OverloadRules()
    (rules.memory, rules.descriptors, rules.loopLag) = (80, 90, 100 * .millisecond)
    return rules
  }

  @Test(
    "Each resource by how much of it is left",
    arguments: [
      (799, 0, 0, OverloadLevel.none), (800, 0, 0, .noConnections), (899, 0, 0, .noConnections),
      (900, 0, 0, .shedsSheddable),
      (950, 0, 0, .shedsDefault), (5_000, 0, 0, .shedsDefault), (0, 89, 0, .none), (0, 90, 0, .noConnections),
      (0, 100, 0, .noConnections), (0, 0, 99, .none), (0, 0, 100, .noConnections), (0, 0, 200, .shedsSheddable),
      (0, 0, 400, .shedsDefault), (820, 95, 250, .shedsSheddable),
    ] as [(Int64, Int64, Int64, OverloadLevel)])
  func levels(_ memory: Int64, _ descriptors: Int64, _ lag: Int64, _ level: OverloadLevel) {
    var watch = OverloadGuard()
    let changed = watch.note(
      use(memory: memory, descriptors: descriptors, lag: lag * .millisecond), rules, at: Instant(nanoseconds: 0))
    #expect(watch.level == level && changed == (level != .none))
  }

  @Test("A level is entered at once and left step by step after a calm second")
  func hysteresis() {
    var watch = OverloadGuard()
    func look(_ milliseconds: Int64, _ memory: Int64) -> Bool {
      watch.note(use(memory: memory), rules, at: Instant(nanoseconds: milliseconds * .millisecond))
    }
    #expect(look(0, 960) && watch.level == .shedsDefault && watch.cause == .memory)
    #expect(!look(10, 100) && !look(1_000, 100) && watch.level == .shedsDefault)
    #expect(look(1_010, 100) && watch.level == .shedsSheddable)
    #expect(!look(1_500, 910) && !look(2_100, 100) && !look(3_000, 100))
    #expect(look(3_100, 100) && watch.level == .noConnections)
    #expect(look(4_100, 100) && watch.level == .none)
  }

  @Test("What is not watched is no matter")
  func unwatched() {
    var watch = OverloadGuard()
    #expect(!OverloadRules().isActive)
    let isChanged = watch.note(
      use(memory: 10_000, descriptors: 100, lag: .second), OverloadRules(), at: Instant(nanoseconds: 0))
    #expect(!isChanged)
  }
}
