import Primitives

/// What is under test: workers that share a process.
protocol Plant: AnyObject {
  /// Lets worker `index` take one turn of its loop.
  func turn(_ index: Int)
  /// Tells the checkers what only the plant knows; called after each turn.
  func tell(_ stage: Stage)
  /// Whether it can take another configuration now.
  var mayReload: Bool { get }
  /// Takes the next configuration.
  func reload(_ configuration: Configuration)
  /// Begins to move a tenant.
  func begin(_ move: PlannedMove)
  /// Stops accepting and ends what is in flight, at the latest at `deadline`.
  func drain(until deadline: Instant)
  /// Workers that still run.
  var running: Int { get }
  /// What is left.
  func remains() -> Remains
  /// Whether the plant tells of exchanges that finished.
  var tellsFinished: Bool { get }
}
