import Engine
import Platform
import Primitives
import Tenancy

/// A move that is under way in this process, and what it has at hand.
struct MoveCourse {
  var record: MoveRecord
  let plan: MovePlan
  var move: Move
  var hold: TenantHold?
  var command: ChildProcess?
  /// Why it could not be started, until that is taken in.
  var commandFault: String?
  /// Since when the placement that was asked for is written down; `nil` when it is not.
  var placedAt: Instant?
  /// Since when nothing is held any more.
  var emptiedAt: Instant?
  /// What the new shard had answered when it began to be watched, and when it is looked at again.
  var watched: (requests: UInt64, errors: UInt64, times: HistogramSnapshot)?
  var nextLook = Instant.distantPast

  init(_ record: MoveRecord, _ plan: MovePlan, at now: Instant) {
    self.record = record
    self.plan = plan
    move = Move(plan.terms, epoch: record.epoch, at: now)
  }

  init(resuming record: MoveRecord, _ plan: MovePlan, at now: Instant) {
    self.record = record
    self.plan = plan
    move = Move(plan.terms, epoch: record.epoch, resumedIn: record.stage.stage, at: now)
  }

  /// The move as it is told.
  var answer: MoveAnswer {
    var answer = MoveAnswer(record, epoch: epoch)
    answer.state = move.stage.name
    guard let hold, record.ended == nil else { return answer }
    answer.inFlight = hold.underWayCount
    answer.parked = hold.parkedCount
    answer.held = record.held &+ hold.heldCount
    answer.longStreams = hold.streamCount
    return answer
  }

  /// The tenant's epoch as far as this move has changed it.
  var epoch: UInt64 {
    switch move.stage {
    case .releasing, .watching, .done, .recalling, .replacing: record.epoch + 1
    case .returning: record.epoch + 2
    default: record.epoch
    }
  }
}
