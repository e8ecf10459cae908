import Primitives

/// Why a line may not be served for now.
enum AsideReason: UInt8, BitwiseCopyable {
  /// It may.
  case none
  /// Its tenant holds too many slots, with long requests or at all.
  case heldBack
  /// The backend that its requests are bound to has no slot free.
  case backend
  /// Its tenant holds as much as it may while others wait.
  case overMost
}

/// The waiting requests of one tenant.
struct QueueLine {
  let tenant: TenantIndex
  var terms: SchedulingTerms
  /// The virtual time at which its next request starts.
  var start: Int64
  var first: Int32 = -1
  var last: Int32 = -1
  var count: Int32 = 0
  /// Its place in the heap; -1 when it is aside.
  var heapPlace: Int32 = -1
  var reason = AsideReason.none
  /// With `backend`: which.
  var backend: Int32 = -1
  var delay = StandingDelay()

  init(tenant: TenantIndex, terms: SchedulingTerms, start: Int64) {
    self.tenant = tenant
    self.terms = terms
    self.start = start
  }
}

/// Whether a line has stood for too long: controlled delay (CoDel, RFC 8289 §5).
struct StandingDelay: BitwiseCopyable {
  /// Nanoseconds above the target after which a line stands.
  static let interval: Int64 = 100 * .millisecond

  /// When it will have stood for an interval; `distantFuture` while its delay is below the target.
  private var stands = Instant.distantFuture
  private var dropsAgain = Instant.distantPast
  private var drops: Int64 = 0

  /// Takes note of how long the oldest has waited; returns whether the line stands.
  mutating func note(_ sojourn: Int64, target: Int64, isLast: Bool, at now: Instant) -> Bool {
    guard target > 0, sojourn >= target, !isLast else {
      self = StandingDelay()
      return false
    }
    if stands == .distantFuture { stands = now.advanced(by: StandingDelay.interval) }
    return now >= stands
  }

  /// Whether the oldest of a line that stands is dropped now: ever more often, as the square root of their number grows.
  mutating func takeDrop(at now: Instant) -> Bool {
    guard now >= dropsAgain else { return false }
    drops += 1
    let share = Double(StandingDelay.interval) / Double(drops).squareRoot()
    dropsAgain = now.advanced(by: Int64(share))
    return true
  }
}
