/// A span of the calendar that quotas are counted in.
public enum CalendarPeriod: String, Sendable, Hashable, BitwiseCopyable, CaseIterable {
  case hour, day, month

  /// From its first second up to the first of the next, seconds since 1970, UTC.
  public struct Span: Sendable, Hashable, BitwiseCopyable {
    /// The first second.
    public var start: Int64
    /// The first second of the next.
    public var end: Int64

    /// The span of these ends.
    public init(start: Int64, end: Int64) {
      self.start = start
      self.end = end
    }

    /// Whether it holds `time`.
    public func contains(_ time: Int64) -> Bool { time >= start && time < end }
  }

  /// The period that holds `time` in a zone. Periods follow each other without a gap: a day whose clocks are put forward has
  /// 23 hours, and an hour that clocks show twice is two hours.
  public func span(at time: Int64, in zone: TimeZoneTable) -> Span {
    if self == .hour { return CalendarPeriod.hour(at: time, in: zone) }
    let local = time + zone.offset(at: time)
    var date = CivilDate(days: floorDivide(local, 86_400))
    if self == .month { date.day = 1 }
    while true {
      let next = self == .month ? date.startOfNextMonth : CivilDate(days: date.days + 1)
      let end = zone.firstMoment(showing: next.days * 86_400)
      // Clocks that were put back over midnight show the old date again, in the new day.
      guard end <= time else { return Span(start: zone.firstMoment(showing: date.days * 86_400), end: end) }
      date = next
    }
  }

  private static func hour(at time: Int64, in zone: TimeZoneTable) -> Span {
    let change = zone.change(at: time)
    let offset = zone.offset(from: change)
    let past = (time + offset) - floorDivide(time + offset, 3_600) * 3_600
    var span = Span(start: time - past, end: time - past + 3_600)
    // A change by less than an hour cuts the hours on both sides of it short.
    if change >= 0, zone.transitions[change].time > span.start,
      (zone.offset(from: change - 1) - offset) % 3_600 != 0
    {
      span.start = zone.transitions[change].time
    }
    if change + 1 < zone.transitions.count, zone.transitions[change + 1].time < span.end,
      (zone.offset(from: change + 1) - offset) % 3_600 != 0
    {
      span.end = zone.transitions[change + 1].time
    }
    return span
  }
}
