public import Primitives
import Synchronization

/// How fast bytes may move, for streams that share it: each reserves what it moves next, and is told when it may.
///
/// One number, the moment by which all that is reserved has been paid for. What nobody used is saved for
/// `Pace.saving` nanoseconds at most, so that a pause does not end in a flood. A change of the rate holds for what is reserved
/// from then on.
public struct Pace: ~Copyable, Sendable {
  /// Nanoseconds that unused bytes are saved for.
  public static let saving: Int64 = 50 * .millisecond
  /// The least and the most that is reserved at once.
  public static let grants: ClosedRange<Int64> = 1_460...65_536
  private let paid = Atomic<Int64>(Instant.distantPast.nanoseconds)

  /// Nothing reserved.
  public init() {}

  /// As much as is reserved at once at a rate of bytes a second: what moves in a fortieth of a second, within `grants`.
  public static func grant(_ rate: Int64) -> Int64 { min(max(rate / 40, grants.lowerBound), grants.upperBound) }

  /// Reserves `count` bytes at `rate` bytes a second; the moment from which they may move.
  public func reserve(_ count: Int64, rate: Int64, at now: Instant) -> Instant {
    var known = paid.load(ordering: .relaxed)
    while true {
      let begin = max(known, now.nanoseconds - Pace.saving)
      let (isExchanged, current) = paid.weakCompareExchange(
        expected: known, desired: begin + Pace.time(count, rate), ordering: .relaxed)
      if isExchanged { return Instant(nanoseconds: begin) }
      known = current
    }
  }

  /// Gives reserved bytes back that did not move.
  public func giveBack(_ count: Int64, rate: Int64) {
    guard count > 0 else { return }
    paid.subtract(Pace.time(count, rate), ordering: .relaxed)
  }

  /// Charges bytes that have moved unasked.
  public func charge(_ count: Int64, rate: Int64, at now: Instant) { _ = reserve(count, rate: rate, at: now) }

  /// Nanoseconds that `count` bytes take, at most an hour.
  private static func time(_ count: Int64, _ rate: Int64) -> Int64 {
    min(Int64(Double(count) * 1e9 / Double(max(1, rate))), 3_600 * .second)
  }
}
