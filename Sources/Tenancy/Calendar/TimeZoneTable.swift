/// What a time zone's clocks are ahead of UTC by, at any time.
public struct TimeZoneTable: Sendable, Hashable {
  /// A moment from which on another offset holds.
  public struct Transition: Sendable, Hashable {
    /// Seconds since 1970, UTC.
    public var time: Int64
    /// Seconds that clocks are ahead of UTC by from then on.
    public var offset: Int64

    /// The change to `offset` at `time`.
    public init(time: Int64, offset: Int64) {
      self.time = time
      self.offset = offset
    }
  }

  /// The zone that is always UTC.
  public static let utc = TimeZoneTable(firstOffset: 0, transitions: [])

  /// The offset before the first change, in seconds.
  public let firstOffset: Int64
  /// The changes, earliest first.
  public let transitions: [Transition]

  /// A zone of these changes, which are sorted here.
  public init(firstOffset: Int64, transitions: [Transition]) {
    self.firstOffset = firstOffset
    self.transitions = transitions.sorted { $0.time < $1.time }
  }

  /// The place of the last change at or before `time`, -1 before the first.
  func change(at time: Int64) -> Int {
    var (low, high) = (0, transitions.count)
    while low < high {
      let middle = (low + high) / 2
      if transitions[middle].time <= time { low = middle + 1 } else { high = middle }
    }
    return low - 1
  }

  /// The offset that holds from change number `change` on.
  func offset(from change: Int) -> Int64 { change < 0 ? firstOffset : transitions[change].offset }

  /// Seconds that clocks are ahead of UTC by at `time`, seconds since 1970.
  public func offset(at time: Int64) -> Int64 { offset(from: change(at: time)) }

  /// The first moment at which clocks show `local`, or more because they were put forward over it; seconds since 1970 of
  /// UTC and of the zone.
  func firstMoment(showing local: Int64) -> Int64 {
    // No zone is more than a day from UTC.
    let first = change(at: local - 86_400)
    let last = change(at: local + 86_400)
    for change in first...max(first, last) {
      let begin = change < 0 ? Int64.min : transitions[change].time
      let end = change + 1 < transitions.count ? transitions[change + 1].time : Int64.max
      let moment = max(begin, local - offset(from: change))
      if moment < end { return moment }
    }
    return local - offset(at: local)
  }
}
