import Tenancy

extension AdminSchema {
  /// Moves, waves, and what is asked of backends.
  static let ofMoves: [AdminSchema] = [
    AdminSchema(
      "BackendRequest",
      .object([.member("state", .choice(["active", "draining", "down"])), .maybe("deadline", .text)])),
    AdminSchema(
      "Guard", .object([.maybe("errors", .text), .maybe("p99", .text), .maybe("for", .text)])),
    AdminSchema(
      "MoveRequest", .object([.member("tenant", .text), .member("to", .text)] + terms + [.maybe("confirm", .flag)])),
    AdminSchema(
      "Move",
      .object([
        .member("id", .text), .member("tenant", .text), .member("from", .text), .member("to", .text),
        .member("mode", mode), .member("hold", .text), .member("max", .count), .member("max_bytes", .count),
        .member("confirm", .flag), .maybe("command", .list(.text)), .member("deadline", .text),
        .member("streams", .text), .maybe("guard", .named("Guard")),
        .member("state", .choice(MoveStage.names)), .member("epoch", .count), .member("in_flight", .count),
        .member("parked", .count), .member("held", .count), .member("long_streams", .count),
        .member("started", .time), .maybe("ended", .time), .member("actor", .text), .maybe("reason", .text),
        .maybe("wave", .text),
      ])),
    AdminSchema("MoveList", .page(.named("Move"))),
    AdminSchema(
      "WaveRequest",
      .object(
        [
          .maybe("tenants", .list(.text)), .maybe("from", .text), .maybe("plan", .text), .maybe("percent", .count),
          .member("to", .text), .maybe("batch", .count), .maybe("pause", .text), .maybe("failures", .count),
        ] + terms)),
    AdminSchema(
      "Wave",
      .object([
        .member("id", .text), .member("to", .text),
        .member("state", .choice(["running", "paused", "done", "aborted"])), .member("tenants", .count),
        .member("begun", .count), .member("moved", .count), .member("returned", .list(.text)),
        .member("moving", .list(.text)), .member("batch", .count), .member("started", .time), .maybe("ended", .time),
        .member("actor", .text), .maybe("reason", .text),
      ])),
    AdminSchema("WaveList", .page(.named("Wave"))),
  ]

  private static let mode = AdminShape.choice(MoveMode.allCases.map(\.rawValue))

  private static let terms: [AdminShape.Member] = [
    .maybe("mode", mode), .maybe("hold", .text), .maybe("max", .count), .maybe("max_bytes", .count),
    .maybe("command", .orNull(.list(.text))), .maybe("deadline", .text), .maybe("streams", .text),
    .maybe("guard", .orNull(.named("Guard"))),
  ]
}
