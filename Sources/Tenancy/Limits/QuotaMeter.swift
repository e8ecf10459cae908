/// How much of a quota is used in the period that is on.
public struct QuotaMeter: Sendable, Hashable, BitwiseCopyable {
  /// The period: from its first second up to the first of the next; none before the first use.
  public private(set) var span = CalendarPeriod.Span(start: 0, end: 0)
  /// What is used in it.
  public private(set) var used: Int64 = 0
  /// Whether its soft line has been told of in this period.
  public private(set) var isNear = false

  /// Nothing used.
  public init() {}

  /// What was used in the period that began at `start`, as it was kept.
  public init(start: Int64, used: Int64) {
    // Good for its first second only: the next use finds out how long it is.
    span = CalendarPeriod.Span(start: start, end: start + 1)
    self.used = used
  }

  /// Goes on to the period that holds `time`, seconds since 1970, if another one is on. A clock that is put back does not
  /// bring an old period back.
  public mutating func advance(to time: Int64, of period: CalendarPeriod, in zone: TimeZoneTable) {
    guard time >= span.end else { return }
    let next = period.span(at: time, in: zone)
    if next.start > span.start || span.end == 0 {
      used = 0
      isNear = false
    }
    span = next
  }

  /// Counts `amount`; true when this crosses the soft line of `limit` for the first time in the period.
  public mutating func use(_ amount: Int64, of limit: Int64, soft: Int64) -> Bool {
    let line = limit.multipliedFullWidth(by: soft)
    let wasNear = isNear || QuotaMeter.hasReached(used, line)
    let (sum, isTooMuch) = used.addingReportingOverflow(amount)
    used = isTooMuch ? .max : max(0, sum)
    isNear = wasNear || QuotaMeter.hasReached(used, line)
    return isNear && !wasNear
  }

  /// Whether `used` is at least a hundredth of `line`.
  private static func hasReached(_ used: Int64, _ line: (high: Int64, low: UInt64)) -> Bool {
    let share = used.multipliedFullWidth(by: 100)
    return (share.high, share.low) >= (line.high, line.low)
  }

  /// Begins anew in the period that is on.
  public mutating func reset() {
    used = 0
    isNear = false
  }

  /// Puts `amount` back, as if it had not been used.
  public mutating func giveBack(_ amount: Int64) { used = max(0, used - amount) }
}
