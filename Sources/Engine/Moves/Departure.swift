import Primitives

/// A long stream of a tenant that has gone elsewhere, and when it is to end.
struct Departure: BitwiseCopyable {
  /// The exchange's handle.
  var handle: UInt64
  /// From when on it ends, as soon as that can be done in order.
  var begin: Instant
  /// When it ends in any case.
  var end: Instant
}
