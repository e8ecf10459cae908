/// Times of requests over a short span, counted in buckets that grow by a quarter: what an adaptive limit looks at.
public struct LatencyWindow: Sendable {
  /// Buckets: from 64 µs on, four to a doubling, up to about 18 minutes.
  public static let buckets = 96
  private static let least: Int64 = 64_000

  /// Counts by bucket.
  public var counts: [UInt32]
  /// The most requests that were on their way at once.
  public var mostInFlight: Int32 = 0

  /// An empty window.
  public init() { counts = Array(repeating: 0, count: LatencyWindow.buckets) }

  /// The bucket of a time in nanoseconds.
  @inlinable
  public static func bucket(of nanoseconds: Int64) -> Int {
    let units = UInt64(max(0, nanoseconds)) / 64_000
    guard units > 0 else { return 0 }
    let exponent = 63 - units.leadingZeroBitCount
    // The two bits below the highest: quarters of a doubling.
    let quarter = exponent >= 2 ? Int((units >> UInt64(exponent - 2)) & 3) : Int((units << UInt64(2 - exponent)) & 3)
    return min(LatencyWindow.buckets - 1, exponent * 4 + quarter)
  }

  /// The middle of a bucket, in nanoseconds.
  static func time(of bucket: Int) -> Int64 {
    let base = least << Int64(bucket / 4)
    return base + base * Int64(2 * (bucket % 4) + 1) / 8
  }

  /// Adds the time of one request.
  public mutating func add(_ nanoseconds: Int64) { counts[LatencyWindow.bucket(of: nanoseconds)] += 1 }

  /// Requests counted.
  public var count: Int { counts.reduce(0) { $0 + Int($1) } }

  /// The time that half of them stayed below, to within a tenth; `nil` when there are none.
  public var median: Int64? {
    let total = count
    guard total > 0 else { return nil }
    var seen = 0
    for (bucket, count) in counts.enumerated() {
      seen += Int(count)
      if seen * 2 >= total { return LatencyWindow.time(of: bucket) }
    }
    return nil
  }
}
