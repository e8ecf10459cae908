import Primitives
import Tenancy

/// What one worker knows of a hold.
struct HeldTenant {
  let hold: TenantHold
  /// The stage that it goes by.
  var stage: HoldStage
  /// When it began here.
  let since: Instant
  /// Requests held, by handle, in the order in which they came; some may have left.
  var waiting: [UInt64] = []
  /// Where the next of them is.
  var first = 0
  /// How many of them are still held.
  var parked = 0
  /// Requests under way that are counted, by handle; some may have ended.
  var counted: [UInt64] = []
  var countedNow = 0
  /// Long streams under way, by handle.
  var streams: [UInt64] = []
  /// Requests let go that have not ended.
  var released = 0
  /// When as many may be let go again, ended or not.
  var nextBatch = Instant.distantPast

  init(_ hold: TenantHold, at now: Instant) {
    self.hold = hold
    stage = hold.terms.passesSafe ? .unsafeOnly : .all
    since = now
  }

  /// Takes the next that may still be held; `nil` when there is none.
  mutating func takeFirst() -> UInt64? {
    guard first < waiting.count else {
      waiting.removeAll(keepingCapacity: true)
      first = 0
      return nil
    }
    first += 1
    return waiting[first - 1]
  }

  /// Adds one at the end. Where most have left, what is left of them is let go first.
  mutating func append(_ handle: UInt64, isHeld: (UInt64) -> Bool) {
    if waiting.count - first > 2 * parked + 64 {
      waiting = waiting[first...].filter(isHeld)
      first = 0
    }
    waiting.append(handle)
  }
}
