import Primitives
import Tenancy

/// What an exchange of a tenant with more than plain limits has taken, until it ends.
struct LimitHold: BitwiseCopyable {
  /// Levels that one request may have: those of its policy, and its plain rate.
  static let mostMarks = 2 * LimitPolicy.mostLimits + 1

  /// The exchange.
  var exchange: Int32
  /// The tenant's meters.
  var meters: UnsafeMutablePointer<TenantMeters>
  /// What the request counted as.
  var tokens: Int64
  /// Its levels.
  var marks: InlineArray<25, LimitMark>
  var count = 0
  /// Bytes that have been counted in quotas so far.
  var counted: UInt64 = 0
  /// Whether a quota counts bytes.
  var countsBytes = false
  /// Bytes a second that may pass, and what is reserved of them for this exchange.
  var bandwidth: BandwidthLimit
  var outwardGrant: Int64 = 0
  var inwardGrant: Int64 = 0
  /// Bytes that were taken off those so far.
  var pacedOut: UInt64 = 0
  var pacedIn: UInt64 = 0

  init(
    of exchange: Int32, _ meters: UnsafeMutablePointer<TenantMeters>, tokens: Int64, bandwidth: BandwidthLimit
  ) {
    self.exchange = exchange
    self.meters = meters
    self.tokens = tokens
    self.bandwidth = bandwidth
    marks = InlineArray(repeating: LimitMark(LimitLevel(.account, number: 0)))
  }

  /// The levels of the hold at `place`, good as long as it lies there.
  static func levels(at place: UnsafeMutablePointer<LimitHold>) -> UnsafeBufferPointer<LimitMark> {
    let first = UnsafeMutableRawPointer(place) + MemoryLayout<LimitHold>.offset(of: \LimitHold.marks)!
    return UnsafeBufferPointer(start: first.assumingMemoryBound(to: LimitMark.self), count: place.pointee.count)
  }
}
