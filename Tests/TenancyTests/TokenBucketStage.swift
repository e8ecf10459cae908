import Primitives

@testable import Tenancy

/// A bucket whose rule changes while threads take from it, played a step at a time.
final class TokenBucketStage {
  /// What took effect, in its order.
  enum Entry {
    case answer(isAdmitted: Bool, revision: UInt8, at: Instant)
    case refit(at: Instant)
  }

  /// Where a thread stands.
  enum Phase {
    case atRest
    case taking(RevisedRule)
    case settling(RevisedRule, TokenBucket.Sight, UInt64)
    case helping
    case refitting(TokenBucket.Sight, UInt64)
    case done
  }

  /// A worker that wants some tokens, or the control thread.
  struct Thread {
    var isControl = false
    var wanted = 0
    /// Goes on with the old rule for good.
    var isLate = false
    var clock: Instant
    var phase = Phase.atRest
  }

  let old: RevisedRule
  let new: RevisedRule
  private let shared: SharedBucket
  private var threads: [Thread]
  private var isAnnounced = false
  private var isPublished = false
  private(set) var entries: [Entry] = []

  init(_ old: RevisedRule, _ new: RevisedRule, taken: Int, _ threads: [Thread]) {
    self.old = old
    self.new = new
    self.threads = threads
    shared = TokenBucketStage.bucket(old, taken: taken)
  }

  static func bucket(_ rule: RevisedRule, taken: Int) -> SharedBucket {
    let shared = SharedBucket()
    shared.bucket.refit(
      from: RevisedRule(rule: TokenBucketRule(), revision: 0), to: rule, at: someTime)
    for _ in 0..<taken { _ = shared.bucket.take(rule.rule, revision: rule.revision, at: someTime) }
    return shared
  }

  /// Threads that have a step left.
  var ready: [Int] {
    threads.indices.filter {
      switch threads[$0].phase {
      case .done: false
      case .atRest: threads[$0].isControl || threads[$0].wanted > 0
      default: true
      }
    }
  }

  /// One step of a thread: at most one look at, or one change of, what threads share.
  func step(_ index: Int) {
    var thread = threads[index]
    switch thread.phase {
    case .atRest where thread.isControl:
      isAnnounced = true
      thread.phase = .helping
    case .atRest:
      thread.wanted -= 1
      take(isPublished && !thread.isLate ? new : old, &thread)
    case .taking(let rule): take(rule, &thread)
    case .settling(let rule, let sight, let next):
      if shared.bucket.settle(sight, next, at: thread.clock) {
        entries.append(.answer(isAdmitted: true, revision: rule.revision, at: thread.clock))
        thread.phase = .atRest
      } else {
        thread.phase = .taking(rule)
      }
    case .helping: help(&thread)
    case .refitting(let sight, let next):
      if shared.bucket.settle(sight, next, at: thread.clock) {
        entries.append(.refit(at: thread.clock))
        finishHelping(&thread)
      } else {
        thread.phase = .helping
      }
    case .done: break
    }
    threads[index] = thread
  }

  private func take(_ rule: RevisedRule, _ thread: inout Thread) {
    let sight = shared.bucket.look()
    guard let (admission, next) = TokenBucket.answer(sight, rule.rule, rule.revision, at: thread.clock) else {
      precondition(isAnnounced, "a bucket left its rule before the change was told")
      thread.phase = .helping
      return
    }
    if admission.isAdmitted {
      thread.phase = .settling(rule, sight, next)
    } else {
      entries.append(.answer(isAdmitted: false, revision: rule.revision, at: thread.clock))
      thread.phase = .atRest
    }
  }

  private func help(_ thread: inout Thread) {
    let sight = shared.bucket.look()
    if let next = TokenBucket.refitted(sight, from: old, to: new, at: thread.clock) {
      thread.phase = .refitting(sight, next)
    } else {
      finishHelping(&thread)
    }
  }

  private func finishHelping(_ thread: inout Thread) {
    if thread.isControl { isPublished = true }
    thread.phase = thread.isControl ? .done : .taking(new)
  }
}
