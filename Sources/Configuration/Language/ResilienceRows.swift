import Balancing
import ConfigLanguage
import Engine

extension GatehouseLanguage {
  private static let day: Int64 = 86_400_000_000_000
  private static let spans = ValueType.duration(100_000_000...day)

  /// What becomes of backends, tenants and requests when requests fail.
  static let resilienceRows: [DirectiveRow] = [
    DirectiveRow(
      in: "shard", "retry",
      [
        .extra("budget", "PERCENT", .percent(0...100)), .extra("floor", "RATE", .rate(0...1_000_000)),
        .extra("attempts", "N", .count(1...5)),
      ],
      absent: "attempts 3, without a budget",
      help:
        "Retries, of the requests of the last ten seconds and whatever they were, and attempts of each; 20%, 3/s and 2 unless said otherwise."
    ),
    DirectiveRow(
      in: "shard", "outlier",
      [
        .value("FAILURES", .count(1...1_000_000)), .keyword("failures"), .keyword("from"),
        .value("TENANTS", .count(1...Int64(OutlierRules.mostTenants))), .keyword("tenants"),
        .extra("eject", "TIME", spans), .extra("at-most", "PERCENT", .percent(0...100)),
      ],
      absent: "no backend is taken out for its answers",
      help:
        "Takes a backend out that fails requests of several tenants in a row; for 30s, of half the backends at most, unless said otherwise."
    ),
    DirectiveRow(
      in: "shard", "breaker",
      [
        .keyword("per-tenant"), .value("PERCENT", .percent(1...100)), .keyword("of"),
        .value("N", .count(2...Int64(BreakerRules.mostRequests))), .extra("for", "TIME", spans),
      ],
      absent: "none",
      help: "Refuses a tenant's requests, for 10s unless said otherwise, when so many of its last ones failed."),
    DirectiveRow(
      in: "shard", "standby",
      [.list("SHARD", .name, atLeast: 1), .extra("back-after", "TIME", .duration(0...day))],
      absent: "none",
      help:
        "Shards of the same region that serve, the first that can, while no backend is up; until one has been for 10s."),
  ]

  /// How long a plan's tenants wait for backends.
  static let planTimeoutRows: [DirectiveRow] = [
    DirectiveRow(
      in: "plan", "timeout",
      [
        .value("STEP", .choice(PlanTimeouts.Step.allCases.map(\.rawValue))), .value("TIME", .duration(1_000_000...day)),
        .extra("path", "PREFIX", .word),
      ],
      .many, absent: "as in timeouts",
      help:
        "How long connect, response or idle of timeouts takes at most for the plan's tenants, or some of their paths.")
  ]
}
