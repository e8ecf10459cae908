import Synchronization

/// How long a request of most tenants holds its slot: about the lower third over tenants, each with the same say.
///
/// A moving quantile (frugal streaming, Ma, Muthukrishnan, Sandler 2013) whose steps down are twice those up. By tenants
/// and not by requests or by time, so that neither a flood of short requests nor a few very long ones move it.
public struct UsualTime: ~Copyable, Sendable {
  /// Requests that are this many times longer than usual are long.
  public static let longFactor: Int64 = 2
  private let value = Atomic<Int64>(0)

  /// Nothing is known.
  public init() {}

  /// Nanoseconds; 0 while nothing is known.
  @inline(__always)
  public var nanoseconds: Int64 { value.load(ordering: .relaxed) }

  /// A tenant says what is usual for it.
  public func hear(_ nanoseconds: Int64) {
    let known = value.load(ordering: .relaxed)
    guard known > 0 else { return value.store(nanoseconds, ordering: .relaxed) }
    let next = nanoseconds > known ? min(nanoseconds, known + max(1, known / 32)) : max(nanoseconds, known - known / 16)
    value.store(max(1, next), ordering: .relaxed)
  }

  /// Whether a request that is likely to cost so much is long; one of which nothing is known is taken for long.
  @inline(__always)
  public func isLong(_ cost: Int64) -> Bool {
    let usual = nanoseconds
    return usual > 0 && (cost == 0 || cost > usual * UsualTime.longFactor)
  }
}
