import Balancing
import Primitives
import Testing

/// One observation, written as a letter: c/C failed/good check, f/F failed/good connect.
private func observe(_ letter: Character, _ state: inout HealthState, at now: Instant) -> HealthChange {
  switch letter {
  case "c": state.checkFailed(at: now)
  case "C": state.checkSucceeded(at: now)
  case "f": state.connectFailed(at: now)
  case "F": state.connectSucceeded(at: now)
  default: fatalError("no such observation")
  }
}

@Suite struct HealthStateTests {
  private let start = Instant(nanoseconds: 1_000 * .second)

  /// Observations and, below each, what came of it: `.` nothing, `-` went down, `+` came back.
  @Test(arguments: [
    ("ccc", "..-"), ("ccCccc", ".....-"), ("cccCC", "..-.+"), ("cccCcCC", "..-...+"), ("cccccCC", "..-...+"),
    ("fff", "..-"), ("ffFfff", ".....-"), ("fcf", "..-"), ("fffCC", "..-.+"), ("fffFFFCC", "..-....+"),
    // Connecting well does not excuse failed checks; a good check excuses failed connects.
    ("cFcFc", "....-"), ("ffCfff", ".....-"),
    // A connect that fails while it is out breaks the row of good checks.
    ("cccCfCC", "..-...+"),
    // After it came back all rows begin anew.
    ("cccCCccc", "..-.+..-"), ("FCFC", "...."),
  ])
  func withActiveChecks(observations: String, changes: String) {
    var state = HealthState(rise: 2, fall: 3, hasActiveChecks: true)
    var up = true
    var now = start
    var found = ""
    for letter in observations {
      let change = observe(letter, &state, at: now)
      if change == .wentUp { up = true }
      if change == .wentDown { up = false }
      found += change == .none ? "." : change == .wentUp ? "+" : "-"
      #expect(state.isUp == up)
      #expect(state.mayTry(at: now) == up)
      now = now.advanced(by: 5 * .second)
    }
    #expect(found == changes)
  }

  @Test func riseAndFallOfOneAndNonsense() {
    for number in [1, 0, -4] {
      var state = HealthState(rise: number, fall: number, hasActiveChecks: true)
      #expect(state.checkFailed(at: start) == .wentDown)
      #expect(state.checkSucceeded(at: start) == .wentUp)
    }
  }

  @Test func withoutChecksOneAttemptIsMadeAfterTheCooldown() {
    var state = HealthState(rise: 2, fall: 3, hasActiveChecks: false)
    #expect(state.takeTrial(at: start) == true)
    #expect(state.takeTrial(at: start) == true)
    #expect(state.connectFailed(at: start) == .none)
    #expect(state.connectFailed(at: start) == .none)
    #expect(state.connectFailed(at: start) == .wentDown)
    let early = start.advanced(by: HealthState.cooldown - 1)
    #expect(!state.mayTry(at: early))
    #expect(state.takeTrial(at: early) == false)
    let due = start.advanced(by: HealthState.cooldown)
    #expect(state.mayTry(at: due))
    #expect(state.takeTrial(at: due) == true)
    #expect(!state.isUp)
    #expect(!state.mayTry(at: due))
    #expect(state.takeTrial(at: due) == false)
    #expect(state.connectFailed(at: due.advanced(by: .second)) == .none)
    let again = due.advanced(by: .second + HealthState.cooldown)
    #expect(state.takeTrial(at: again.advanced(by: -1)) == false)
    #expect(state.takeTrial(at: again) == true)
    #expect(state.connectSucceeded(at: again) == .wentUp)
    #expect(state.isUp && state.changedAt == again)
    // It needs three failures again.
    #expect(state.connectFailed(at: again) == .none)
    #expect(state.connectFailed(at: again) == .none)
    #expect(state.connectFailed(at: again) == .wentDown)
  }

  @Test func aTrialThatIsNeverAnsweredIsFollowedByAnother() {
    var state = HealthState(rise: 2, fall: 1, hasActiveChecks: false)
    #expect(state.connectFailed(at: start) == .wentDown)
    for round in 1...5 {
      #expect(state.takeTrial(at: start.advanced(by: Int64(round) * HealthState.cooldown)) == true)
    }
  }

  @Test func withChecksItNeverComesBackByItself() {
    var state = HealthState(rise: 2, fall: 1, hasActiveChecks: true)
    #expect(state.connectFailed(at: start) == .wentDown)
    #expect(!state.mayTry(at: start.advanced(by: 3_600 * .second)))
    #expect(state.connectSucceeded(at: start) == .none)
    #expect(!state.isUp)
  }

  @Test func otherRulesKeepWhatIsKnown() {
    var health = HealthState(rise: 1, fall: 3, hasActiveChecks: false)
    let start = Instant(nanoseconds: 0)
    #expect(health.connectFailed(at: start) == .none)
    health.adopt(rise: 1, fall: 2, hasActiveChecks: false)
    #expect(health.connectFailed(at: start) == .wentDown)
    // Its rest goes on, and does not begin anew.
    let later = start.advanced(by: HealthState.cooldown)
    health.adopt(rise: 1, fall: 3, hasActiveChecks: false)
    #expect(!health.mayTry(at: later.advanced(by: -1)))
    #expect(health.mayTry(at: later))
    health.adopt(rise: 1, fall: 3, hasActiveChecks: true)
    #expect(!health.mayTry(at: later))
    #expect(health.checkSucceeded(at: later) == .wentUp)
  }
}
