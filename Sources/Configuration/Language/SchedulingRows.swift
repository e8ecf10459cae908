import ConfigLanguage
import Tenancy

extension GatehouseLanguage {
  private static let counts = ValueType.count(1...1_000_000)

  /// How much of a shard is used at once, and what becomes of the rest.
  static let shardSchedulingRows: [DirectiveRow] = [
    DirectiveRow(
      in: "shard", "concurrency",
      forms: [
        [.keyword("adaptive"), .extra("min", "N", counts), .extra("max", "N", counts)],
        [.value("N", counts)],
      ],
      absent: "unlimited",
      help: "Requests at its backends at once, or found out by how long they take; others wait, fairly between tenants."
    ),
    DirectiveRow(
      in: "shard", "queue",
      [
        .value("N", .count(1...Int64(QueueRules.mostWaiting))),
        .extra("for", "TIME", .duration(1_000_000...300_000_000_000)),
        .extra("target", "TIME", .duration(1_000_000...60_000_000_000)),
      ],
      absent: "1000 for 1s",
      help:
        "Requests that wait at most, for how long, and the wait above which a tenant's oldest are dropped one by one."),
    DirectiveRow(
      in: "shard", "long-share", [.value("PERCENT", .percent(1...100))], absent: "37%",
      help: "Of its concurrency, held by tenants above their share with requests longer than its usual."),
    DirectiveRow(
      in: "shard", "reserve", [.keyword("critical"), .value("PERCENT", .percent(1...90))], absent: "0%",
      help: "Of its concurrency, kept free for critical requests."),
  ]

  /// What a tenant is owed of a saturated shard.
  static func schedulingRows(in kind: String, absent: String) -> [DirectiveRow] {
    [
      DirectiveRow(
        in: kind, "weight", [.value("N", .count(1...1000))], absent: absent.isEmpty ? "1" : absent,
        help: "The share of a saturated shard beside the other tenants'."),
      DirectiveRow(
        in: kind, "share", [.extra("min", "PERCENT", .percent(0...100)), .extra("max", "PERCENT", .percent(1...100))],
        absent: absent.isEmpty ? "min 0% max 100%" : absent,
        help:
          "Of a saturated shard: what is the tenant's own while it wants it, and what it may hold while others wait."),
      DirectiveRow(
        in: kind, "criticality", [.value("CLASS", .choice(["critical", "default", "sheddable"]))],
        absent: absent.isEmpty ? "default" : absent,
        help: "Who is served first by a saturated shard, and who is refused first."),
    ]
  }
}
