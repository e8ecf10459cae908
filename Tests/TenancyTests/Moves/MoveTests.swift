import Primitives
import Testing

@testable import Tenancy

/// The machine of a move: every stage with every event.
struct MoveTests {
  private static let now = Instant(nanoseconds: 1_000 * .second)
  private static let soon = now.advanced(by: .second)
  private static let past = now.advanced(by: -1)
  private static let released = now.advanced(by: Move.releaseBound)

  private static func terms(
    _ mode: MoveMode = .hold, awaits: MoveAwaits = [], watch: Int64? = nil
  ) -> MoveTerms {
    MoveTerms(mode: mode, hold: 5 * .second, deadline: 60 * .second, awaits: awaits, watch: watch)
  }

  /// A stage, an event, and what comes of it; `nil` when it means nothing there.
  private struct Row {
    var stage: MoveStage
    var event: MoveEvent
    var next: MoveStage?
    var actions: [MoveAction] = []
    var terms = MoveTests.terms()
  }

  /// Every event, each with a time that is not yet over.
  private static let events: [MoveEvent] = [
    .targetReady, .drained, .commandEnded(succeeded: true, ""), .commandEnded(succeeded: false, "no"), .confirmed,
    .placed, .placementRefused("full"), .emptied, .judged("bad"), .cancelled("told"), .ticked,
    .restarted(isAtTarget: true), .restarted(isAtTarget: false),
  ]

  private static let stages: [MoveStage] = [
    .preparing(until: soon), .draining(until: soon), .holding(until: soon, [.command, .confirmation]),
    .sealing(until: soon), .placing, .releasing(until: soon), .watching(until: soon), .lettingGo(until: soon, "why"),
    .recalling(until: soon, "why"), .replacing("why"), .returning(until: soon, "why"), .done, .rolledBack("why"),
    .failed("why"),
  ]

  private static let hold = now.advanced(by: 5 * .second)
  private static let restarted = "the proxy was started again before the cutover"

  /// What is not here means nothing: the stage stays as it is.
  private static let table: [Row] = [
    Row(stage: stages[0], event: .targetReady, next: .draining(until: hold), actions: [.hold]),
    Row(stage: stages[0], event: .cancelled("told"), next: .rolledBack("told")),
    Row(stage: stages[0], event: .ticked, next: stages[0]),
    Row(stage: stages[1], event: .drained, next: .placing, actions: [.place(atTarget: true, epoch: 8)]),
    Row(
      stage: stages[1], event: .cancelled("told"), next: .lettingGo(until: released, "told"),
      actions: [.endCommand, .release(epoch: 7)]),
    Row(stage: stages[1], event: .ticked, next: stages[1]),
    Row(
      stage: stages[2], event: .commandEnded(succeeded: true, ""), next: .holding(until: soon, .confirmation)),
    Row(
      stage: stages[2], event: .commandEnded(succeeded: false, "no"), next: .lettingGo(until: released, "no"),
      actions: [.endCommand, .release(epoch: 7)]),
    Row(stage: stages[2], event: .confirmed, next: .holding(until: soon, .command)),
    Row(
      stage: stages[2], event: .cancelled("told"), next: .lettingGo(until: released, "told"),
      actions: [.endCommand, .release(epoch: 7)]),
    Row(stage: stages[2], event: .ticked, next: stages[2]),
    Row(stage: stages[3], event: .drained, next: .placing, actions: [.place(atTarget: true, epoch: 8)]),
    Row(
      stage: stages[3], event: .cancelled("told"), next: .lettingGo(until: released, "told"),
      actions: [.endCommand, .release(epoch: 7)]),
    Row(stage: stages[3], event: .ticked, next: stages[3]),
    Row(
      stage: .placing, event: .placed, next: .releasing(until: released), actions: [.release(epoch: 8), .partStreams]),
    Row(
      stage: .placing, event: .placementRefused("full"), next: .lettingGo(until: released, "full"),
      actions: [.endCommand, .release(epoch: 7)]),
    Row(stage: .placing, event: .ticked, next: .placing),
    Row(stage: stages[5], event: .emptied, next: .done),
    Row(stage: stages[5], event: .cancelled("told"), next: .recalling(until: hold, "told"), actions: [.holdAll]),
    Row(stage: stages[5], event: .ticked, next: stages[5]),
    Row(stage: stages[6], event: .judged("bad"), next: .recalling(until: hold, "bad"), actions: [.holdAll]),
    Row(stage: stages[6], event: .cancelled("told"), next: .recalling(until: hold, "told"), actions: [.holdAll]),
    Row(stage: stages[6], event: .ticked, next: stages[6]),
    Row(stage: stages[7], event: .emptied, next: .rolledBack("why")),
    Row(stage: stages[7], event: .ticked, next: stages[7]),
    Row(stage: stages[8], event: .drained, next: .replacing("why"), actions: [.place(atTarget: false, epoch: 9)]),
    Row(stage: stages[8], event: .ticked, next: stages[8]),
    Row(
      stage: stages[9], event: .placed, next: .returning(until: released, "why"),
      actions: [.release(epoch: 9), .partStreams]),
    Row(
      stage: stages[9], event: .placementRefused("full"),
      next: .failed("why; then it could not be placed back: full"), actions: [.release(epoch: 8)]),
    Row(stage: stages[9], event: .ticked, next: stages[9]),
    Row(stage: stages[10], event: .emptied, next: .rolledBack("why")),
    Row(stage: stages[10], event: .ticked, next: stages[10]),
    // After the process was started again; where the tenant is counts at the cutover only.
    Row(stage: stages[0], event: .restarted(isAtTarget: false), next: .rolledBack(restarted)),
    Row(stage: stages[0], event: .restarted(isAtTarget: true), next: .rolledBack(restarted)),
    Row(stage: stages[1], event: .restarted(isAtTarget: false), next: .rolledBack(restarted)),
    Row(stage: stages[1], event: .restarted(isAtTarget: true), next: .rolledBack(restarted)),
    Row(stage: stages[2], event: .restarted(isAtTarget: false), next: .rolledBack(restarted)),
    Row(stage: stages[2], event: .restarted(isAtTarget: true), next: .rolledBack(restarted)),
    Row(stage: stages[3], event: .restarted(isAtTarget: false), next: .rolledBack(restarted)),
    Row(stage: stages[3], event: .restarted(isAtTarget: true), next: .rolledBack(restarted)),
    Row(stage: .placing, event: .restarted(isAtTarget: false), next: .rolledBack(restarted)),
    Row(stage: .placing, event: .restarted(isAtTarget: true), next: .done),
    Row(stage: stages[5], event: .restarted(isAtTarget: false), next: .done),
    Row(stage: stages[5], event: .restarted(isAtTarget: true), next: .done),
    Row(stage: stages[6], event: .restarted(isAtTarget: false), next: .done),
    Row(stage: stages[6], event: .restarted(isAtTarget: true), next: .done),
    Row(stage: stages[7], event: .restarted(isAtTarget: false), next: .rolledBack("why")),
    Row(stage: stages[7], event: .restarted(isAtTarget: true), next: .rolledBack("why")),
    Row(
      stage: stages[8], event: .restarted(isAtTarget: true), next: .replacing("why"),
      actions: [.place(atTarget: false, epoch: 9)]),
    Row(
      stage: stages[8], event: .restarted(isAtTarget: false), next: .replacing("why"),
      actions: [.place(atTarget: false, epoch: 9)]),
    Row(
      stage: stages[9], event: .restarted(isAtTarget: true), next: .replacing("why"),
      actions: [.place(atTarget: false, epoch: 9)]),
    Row(stage: stages[9], event: .restarted(isAtTarget: false), next: .rolledBack("why")),
    Row(stage: stages[10], event: .restarted(isAtTarget: false), next: .rolledBack("why")),
    Row(stage: stages[10], event: .restarted(isAtTarget: true), next: .rolledBack("why")),
  ]

  @Test func everyEventInEveryStageDoesWhatTheTableSays() {
    for stage in MoveTests.stages {
      for event in MoveTests.events {
        let row = MoveTests.table.first { $0.stage == stage && $0.event == event }
        var move = Move(MoveTests.terms(), epoch: 7, resumedIn: stage, at: MoveTests.now)
        let actions = move.handle(event, at: MoveTests.now)
        #expect(actions == row?.actions, "\(stage) \(event)")
        #expect(move.stage == row?.next ?? stage, "\(stage) \(event)")
      }
    }
  }

  /// What depends on the terms, or on time that is over.
  private static let special: [Row] = [
    Row(
      stage: stages[1], event: .drained, next: .holding(until: soon, .confirmation),
      terms: terms(awaits: .confirmation)),
    Row(
      stage: stages[1], event: .drained, next: .holding(until: soon, .command), actions: [.startCommand],
      terms: terms(awaits: .command)),
    Row(
      stage: stages[1], event: .drained, next: .placing, actions: [.place(atTarget: true, epoch: 8)],
      terms: terms(.drain, awaits: .confirmation)),
    Row(
      stage: stages[1], event: .drained, next: .sealing(until: soon), actions: [.holdAll], terms: terms(.readOnly)),
    Row(
      stage: .holding(until: soon, .confirmation), event: .confirmed, next: .placing,
      actions: [.place(atTarget: true, epoch: 8)]),
    Row(
      stage: .holding(until: soon, .command), event: .commandEnded(succeeded: true, ""), next: .sealing(until: soon),
      actions: [.holdAll], terms: terms(.readOnly, awaits: .command)),
    Row(stage: .holding(until: soon, .command), event: .confirmed),
    Row(stage: .holding(until: soon, .confirmation), event: .commandEnded(succeeded: true, "")),
    Row(stage: stages[5], event: .emptied, next: .watching(until: hold), terms: terms(watch: 5 * .second)),
    Row(stage: .releasing(until: past), event: .ticked, next: .done),
    Row(stage: .watching(until: past), event: .ticked, next: .done),
    Row(stage: .preparing(until: past), event: .ticked, next: .rolledBack("the new shard was not ready in time")),
    Row(
      stage: .draining(until: past), event: .ticked,
      next: .lettingGo(until: released, "requests were still under way when the hold had to end"),
      actions: [.endCommand, .release(epoch: 7)]),
    Row(
      stage: .sealing(until: past), event: .ticked,
      next: .lettingGo(until: released, "requests were still under way when the hold had to end"),
      actions: [.endCommand, .release(epoch: 7)]),
    Row(
      stage: .holding(until: past, .command), event: .ticked, next: .lettingGo(until: released, "the hold had to end"),
      actions: [.endCommand, .release(epoch: 7)]),
    Row(
      stage: .recalling(until: past, "why"), event: .ticked, next: .replacing("why"),
      actions: [.place(atTarget: false, epoch: 9)]),
    Row(stage: .lettingGo(until: past, "why"), event: .ticked, next: .rolledBack("why")),
    Row(stage: .returning(until: past, "why"), event: .ticked, next: .rolledBack("why")),
    Row(
      stage: .watching(until: soon), event: .restarted(isAtTarget: true), next: .watching(until: hold),
      terms: terms(watch: 5 * .second)),
  ]

  @Test func termsAndTimeDecideTheRest() {
    for row in MoveTests.special {
      var move = Move(row.terms, epoch: 7, resumedIn: row.stage, at: MoveTests.now)
      let actions = move.handle(row.event, at: MoveTests.now)
      #expect(actions == (row.next == nil ? nil : row.actions), "\(row.stage) \(row.event)")
      #expect(move.stage == row.next ?? row.stage, "\(row.stage) \(row.event)")
    }
  }

  @Test func aHoldEndsWithTheDeadlineAtTheLatest() {
    var move = Move(MoveTests.terms(), epoch: 7, at: MoveTests.now)
    let late = MoveTests.now.advanced(by: 58 * .second)
    #expect(move.handle(.targetReady, at: late) == [.hold])
    #expect(move.stage == .draining(until: MoveTests.now.advanced(by: 60 * .second)))
  }

  /// Whatever happens, epochs only grow, and nothing stays held.
  @Test func anyCourseOfEventsEndsWithNothingHeldAndOneEpoch() {
    for seed in 1...2_000 as ClosedRange<UInt64> {
      var random = SeededRandom(seed: seed)
      var now = MoveTests.now
      let mode = MoveMode.allCases[random.below(3)]
      let awaits = MoveAwaits(rawValue: UInt8(random.below(4)))
      var move = Move(
        MoveTests.terms(mode, awaits: awaits, watch: random.below(2) == 0 ? .second : nil), epoch: 7, at: now)
      var (isHeld, placement, placing) = (false, UInt64(7), UInt64(0))
      for _ in 0..<400 where !move.stage.isOver {
        now = now.advanced(by: Int64(random.below(800)) * .millisecond)
        var event = MoveTests.events[random.below(MoveTests.events.count)]
        if case .restarted = event {
          guard random.below(20) == 0 else { continue }
          isHeld = false
          event = .restarted(isAtTarget: placement == 8)
        }
        // The keeper tells of a placement only after it was asked for one.
        if event == .placed { placement = max(placement, placing) }
        for action in move.handle(event, at: now) ?? [] {
          switch action {
          case .hold, .holdAll: isHeld = true
          case .release(let epoch):
            isHeld = false
            #expect(epoch == placement, "seed \(seed)")
          case .place(_, let epoch):
            #expect(epoch > placement, "seed \(seed)")
            placing = epoch
          default: break
          }
        }
      }
      #expect(move.stage.isOver && !isHeld, "seed \(seed): \(move.stage)")
    }
  }
}
