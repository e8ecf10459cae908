/// What becomes of a tenant's requests while it is moved.
public enum MoveMode: String, Sendable, CaseIterable, Codable {
  /// All are held until those under way have ended, and for as long as what must be done between.
  case hold
  /// All are held until those under way have ended, and then go to the new shard at once.
  case drain
  /// Safe methods are served by the old shard meanwhile; others are held.
  case readOnly = "read_only"
}

/// What was asked of a move. Spans are nanoseconds.
public struct MoveTerms: Sendable, Equatable {
  /// What becomes of requests meanwhile.
  public var mode: MoveMode
  /// How long requests are held at most.
  public var hold: Int64
  /// How long the move may take until its cutover.
  public var deadline: Int64
  /// What must come before the cutover.
  public var awaits: MoveAwaits
  /// How long the new shard is watched afterwards; `nil` is not.
  public var watch: Int64?

  /// A move on these terms.
  public init(
    mode: MoveMode = .hold, hold: Int64, deadline: Int64, awaits: MoveAwaits = [], watch: Int64? = nil
  ) {
    self.mode = mode
    self.hold = hold
    self.deadline = deadline
    self.awaits = mode == .drain ? [] : awaits
    self.watch = watch
  }
}

/// What a move waits for while requests are held.
public struct MoveAwaits: OptionSet, Sendable, Hashable {
  /// The bits.
  public let rawValue: UInt8

  /// The set of these bits.
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// The success of its command.
  public static let command = MoveAwaits(rawValue: 1)
  /// Somebody's word.
  public static let confirmation = MoveAwaits(rawValue: 2)
}
