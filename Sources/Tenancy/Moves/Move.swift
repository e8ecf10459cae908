public import Primitives

/// Something that happened to a move.
public enum MoveEvent: Sendable, Equatable {
  /// The new shard can serve.
  case targetReady
  /// Every worker holds, and none of the requests counted is under way any more.
  case drained
  /// The command has ended, well or not.
  case commandEnded(succeeded: Bool, String)
  /// Somebody gave their word.
  case confirmed
  /// The placement that was asked for is written down and used by every worker.
  case placed
  /// It could not be written down.
  case placementRefused(String)
  /// Nothing is held any more.
  case emptied
  /// The new shard fares worse than it may.
  case judged(String)
  /// Somebody, or the state of things, will not have it.
  case cancelled(String)
  /// Time has passed.
  case ticked
  /// The process was started again: nothing is held, nothing is under way.
  case restarted(isAtTarget: Bool)
}

/// What a move wants done, in this order, after its stage has been written down.
public enum MoveAction: Sendable, Equatable {
  /// Hold the tenant's requests, as its mode says.
  case hold
  /// Hold all of them.
  case holdAll
  /// Start the command.
  case startCommand
  /// End the command, if it runs.
  case endCommand
  /// Write down where the tenant is.
  case place(atTarget: Bool, epoch: UInt64)
  /// Let what was held go to where the tenant is, once every worker knows that epoch.
  case release(epoch: UInt64)
  /// Let long streams at the shard that was left end.
  case partStreams
}

/// The move of one tenant: a machine that does nothing itself.
///
/// Epochs: the tenant had `epoch`; the new shard serves with the next one; the old one, if it comes to that after all, with
/// the one after that.
public struct Move: Sendable, Equatable {
  /// How long what was held may take to go its way, in nanoseconds.
  public static let releaseBound: Int64 = 10 * .second

  /// What was asked.
  public let terms: MoveTerms
  /// The epoch before the move.
  public let epoch: UInt64
  /// When its cutover is due.
  public private(set) var due: Instant
  /// How far it is.
  public private(set) var stage: MoveStage

  /// A move that begins.
  public init(_ terms: MoveTerms, epoch: UInt64, at now: Instant) {
    self.terms = terms
    self.epoch = epoch
    due = now.advanced(by: terms.deadline)
    stage = .preparing(until: due)
  }

  /// A move that was written down.
  public init(_ terms: MoveTerms, epoch: UInt64, resumedIn stage: MoveStage, at now: Instant) {
    self.init(terms, epoch: epoch, at: now)
    self.stage = stage
  }

  /// Takes what happened; returns what is to be done now, `nil` when it means nothing in this stage.
  public mutating func handle(_ event: MoveEvent, at now: Instant) -> [MoveAction]? {
    if case .restarted(let isAtTarget) = event { return resume(isAtTarget: isAtTarget, at: now) }
    switch stage {
    case .preparing, .draining, .holding, .sealing: return beforeCutover(event, now)
    case .placing, .releasing, .watching: return fromCutover(event, now)
    case .lettingGo, .recalling, .replacing, .returning: return onTheWayBack(event, now)
    case .done, .rolledBack, .failed: return nil
    }
  }

  // MARK: - there

  private mutating func beforeCutover(_ event: MoveEvent, _ now: Instant) -> [MoveAction]? {
    switch (stage, event) {
    case (.preparing, .targetReady):
      stage = .draining(until: min(due, now.advanced(by: terms.hold)))
      return [.hold]
    case (.preparing(let until), .ticked):
      guard now >= until else { return [] }
      stage = .rolledBack("the new shard was not ready in time")
      return []
    case (.preparing, .cancelled(let reason)):
      stage = .rolledBack(reason)
      return []
    case (.draining(let until), .drained):
      guard terms.awaits.isEmpty else {
        stage = .holding(until: until, terms.awaits)
        return terms.awaits.contains(.command) ? [.startCommand] : []
      }
      return cutOver(until)
    case (.holding(let until, let awaits), .commandEnded(succeeded: true, _)) where awaits.contains(.command):
      return goOn(until, awaits.subtracting(.command))
    case (.holding(_, let awaits), .commandEnded(succeeded: false, let why)) where awaits.contains(.command):
      return letGo(why, now)
    case (.holding(let until, let awaits), .confirmed) where awaits.contains(.confirmation):
      return goOn(until, awaits.subtracting(.confirmation))
    case (.sealing, .drained): return place()
    case (.draining(let until), .ticked):
      return now < until ? [] : letGo("requests were still under way when the hold had to end", now)
    case (.holding(let until, _), .ticked): return now < until ? [] : letGo("the hold had to end", now)
    case (.sealing(let until), .ticked):
      return now < until ? [] : letGo("requests were still under way when the hold had to end", now)
    case (_, .cancelled(let reason)): return letGo(reason, now)
    default: return nil
    }
  }

  private mutating func goOn(_ until: Instant, _ awaits: MoveAwaits) -> [MoveAction] {
    guard awaits.isEmpty else {
      stage = .holding(until: until, awaits)
      return []
    }
    return cutOver(until)
  }

  private mutating func cutOver(_ until: Instant) -> [MoveAction] {
    guard terms.mode == .readOnly else { return place() }
    stage = .sealing(until: until)
    return [.holdAll]
  }

  private mutating func place() -> [MoveAction] {
    stage = .placing
    return [.place(atTarget: true, epoch: epoch + 1)]
  }

  private mutating func letGo(_ reason: String, _ now: Instant) -> [MoveAction] {
    stage = .lettingGo(until: now.advanced(by: Move.releaseBound), reason)
    return [.endCommand, .release(epoch: epoch)]
  }

  // MARK: - from the cutover on

  private mutating func fromCutover(_ event: MoveEvent, _ now: Instant) -> [MoveAction]? {
    switch (stage, event) {
    case (.placing, .placed):
      stage = .releasing(until: now.advanced(by: Move.releaseBound))
      return [.release(epoch: epoch + 1), .partStreams]
    case (.placing, .placementRefused(let why)): return letGo(why, now)
    case (.placing, .ticked): return []
    case (.releasing, .emptied): return settle(now)
    case (.releasing(let until), .ticked): return now < until ? [] : settle(now)
    case (.watching(let until), .ticked):
      if now >= until { stage = .done }
      return []
    case (.watching, .judged(let reason)), (.watching, .cancelled(let reason)), (.releasing, .cancelled(let reason)):
      stage = .recalling(until: now.advanced(by: terms.hold), reason)
      return [.holdAll]
    default: return nil
    }
  }

  private mutating func settle(_ now: Instant) -> [MoveAction] {
    stage = terms.watch.map { .watching(until: now.advanced(by: $0)) } ?? .done
    return []
  }

  // MARK: - back

  private mutating func onTheWayBack(_ event: MoveEvent, _ now: Instant) -> [MoveAction]? {
    switch (stage, event) {
    case (.lettingGo(_, let reason), .emptied), (.returning(_, let reason), .emptied):
      stage = .rolledBack(reason)
      return []
    case (.lettingGo(let until, let reason), .ticked), (.returning(let until, let reason), .ticked):
      if now >= until { stage = .rolledBack(reason) }
      return []
    case (.recalling(_, let reason), .drained): return replace(reason)
    // What fails may hang: the old shard's epoch is higher, and origins that look at it refuse what comes late.
    case (.recalling(let until, let reason), .ticked): return now < until ? [] : replace(reason)
    case (.replacing(let reason), .placed):
      stage = .returning(until: now.advanced(by: Move.releaseBound), reason)
      return [.release(epoch: epoch + 2), .partStreams]
    case (.replacing(let reason), .placementRefused(let why)):
      stage = .failed("\(reason); then it could not be placed back: \(why)")
      return [.release(epoch: epoch + 1)]
    case (.replacing, .ticked): return []
    default: return nil
    }
  }

  private mutating func replace(_ reason: String) -> [MoveAction] {
    stage = .replacing(reason)
    return [.place(atTarget: false, epoch: epoch + 2)]
  }

  // MARK: - after the process was started again

  /// Goes on where a process that was killed has left: what it held is lost, and its placement is what counts.
  private mutating func resume(isAtTarget: Bool, at now: Instant) -> [MoveAction]? {
    switch stage {
    case .preparing, .draining, .holding, .sealing:
      stage = .rolledBack("the proxy was started again before the cutover")
      return []
    case .placing:
      guard isAtTarget else {
        stage = .rolledBack("the proxy was started again before the cutover")
        return []
      }
      return settle(now)
    case .releasing, .watching: return settle(now)
    case .lettingGo(_, let reason):
      stage = .rolledBack(reason)
      return []
    // Nothing is under way at the new shard: its process is gone.
    case .recalling(_, let reason): return replace(reason)
    case .replacing(let reason):
      if isAtTarget { return replace(reason) }
      stage = .rolledBack(reason)
      return []
    case .returning(_, let reason):
      stage = .rolledBack(reason)
      return []
    case .done, .rolledBack, .failed: return nil
    }
  }
}
