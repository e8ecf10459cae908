import Primitives
import Tenancy

/// What an exchange of a tenant with more than plain limits has taken, until it ends.
struct LimitHold: BitwiseCopyable {
  /// Levels that one request may have: those of its policy, and its plain rate.
  static let mostMarks = 2 * LimitPolicy.mostLimits + 1

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

  init(_ meters: UnsafeMutablePointer<TenantMeters>, tokens: Int64, bandwidth: BandwidthLimit) {
    self.meters = meters
    self.tokens = tokens
    self.bandwidth = bandwidth
    marks = InlineArray(repeating: LimitMark(LimitLevel(.account, number: 0)))
  }
}
