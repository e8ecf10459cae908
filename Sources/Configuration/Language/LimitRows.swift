import ConfigLanguage

extension GatehouseLanguage {
  private static let rates: ClosedRange<Int64> = 1...1_000_000_000
  private static let byteRates: ClosedRange<Int64> = 1_024...(1 << 40)
  /// Longer waits would be told from old debts by nobody.
  private static let delays: ClosedRange<Int64> = 1_000_000...30_000_000_000

  /// What plans and tenants may be held to.
  static func limitRows(in kind: String, absent: String) -> [DirectiveRow] {
    [
      DirectiveRow(
        in: kind, "requests",
        [
          .value("RATE", .rate(rates)), .extra("burst", "N", .count(rates)),
          .kind("per", [.init("client"), .init("header", "NAME"), .init("path", "PREFIX")]),
          .extra("delay", "TIME", .duration(delays)), .flag("shadow"),
        ], .many, absent: absent,
        help:
          "Token bucket, of all or per client, field value or path; delay makes wait, shadow only counts refusals."),
      DirectiveRow(
        in: kind, "concurrency", [.value("N", .count(1...1_000_000))], absent: absent,
        help: "Requests in flight at once."),
      DirectiveRow(
        in: kind, "connections",
        [.value("N", .count(1...10_000_000)), .extra("per-client", "N", .count(1...10_000_000))], absent: absent,
        help: "Client connections, of all clients and of one."),
      DirectiveRow(
        in: kind, "bandwidth",
        [.extra("out", "RATE", .byteRate(byteRates)), .extra("in", "RATE", .byteRate(byteRates))],
        absent: absent, help: "Bytes a second to and from clients, shared by all of a tenant's streams."),
      DirectiveRow(
        in: kind, "quota",
        [
          .value("AMOUNT", .amount(1...Int64.max)), .flag("requests"),
          .extra("per", "PERIOD", .choice(["hour", "day", "month"]), isRequired: true),
          .extra("soft", "PERCENT", .percent(1...100)), .extra("zone", "ZONE", .word),
        ], .many, absent: absent,
        help: "Requests or bytes a calendar period, of UTC or a zone; soft, 80% unless said otherwise, is told of."),
      DirectiveRow(
        in: kind, "cost", [.value("METHOD", .word), .value("PATH", .word), .value("N", .count(1...1_000_000))], .many,
        absent: "1", help: "As how many requests those with a method (* is any) and a path count."),
    ]
  }

  /// What is held for several tenants together.
  static let sharedLimitRows: [DirectiveRow] = [
    DirectiveRow(
      in: "plan", "pool-requests",
      [.value("RATE", .rate(rates)), .extra("burst", "N", .count(rates)), .flag("shadow")], absent: "unlimited",
      help: "Token bucket that all tenants of the plan share; over it 503."),
    DirectiveRow(in: "", "limits", block: "limits", help: "What the whole process is held to."),
    DirectiveRow(
      in: "limits", "requests",
      [.value("RATE", .rate(rates)), .extra("burst", "N", .count(rates)), .flag("shadow")], absent: "unlimited",
      help: "Token bucket that all tenants share; over it 503."),
    DirectiveRow(
      in: "", "state", [.value("DIR", .word)], absent: "nothing is kept",
      help: "Where what must outlive the process is kept, such as the use of quotas."),
  ]
}
