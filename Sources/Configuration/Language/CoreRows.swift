import ConfigLanguage
import Tenancy

/// The words of the language as rows: parsing, checks and the reference are made from them.
public enum GatehouseLanguage {
  /// The schema of `proxy.conf`.
  public static let schema = Schema(
    topRows + listenRows + metricsRows + timeoutRows + boundRows + resolveRows + shardRows + backendTLSRows
      + shardSchedulingRows + resilienceRows + planRows + planTimeoutRows
      + schedulingRows(in: "plan", absent: "") + tenantRows + schedulingRows(in: "tenant", absent: "the plan's")
      + placementRows + http2Rows + sharedLimitRows + overloadRows + adminRows)

  private static let day: Int64 = 86_400_000_000_000
  private static let spans: ClosedRange<Int64> = 1_000_000...day

  private static let topRows: [DirectiveRow] = [
    DirectiveRow(
      in: "", "workers", [.value("N", .countOr("auto", 1...1024))], absent: "auto",
      help: "Event loops; auto is one per CPU that the process may use."),
    DirectiveRow(
      in: "", "drain", [.value("TIME", .duration(0...day))], absent: "30s",
      help: "How long a stop waits for requests in flight."),
    DirectiveRow(
      in: "", "listen", [.value("ADDRESS", .word)], .atLeastOnce, block: "listen", isBlockOptional: true,
      help: "Where clients connect: 127.0.0.1:8080, [::1]:8080, *:8080 or unix:/path."),
    DirectiveRow(
      in: "", "metrics", [.list("ADDRESS", .word, atLeast: 1)], block: "metrics", isBlockOptional: true, absent: "off",
      help: "Where /metrics, /livez and /readyz are served."),
    DirectiveRow(
      in: "", "access-log", [.value("stdout|PATH|off", .word)], block: "access-log", isBlockOptional: true,
      absent: "off", help: "Where one line a request is written."),
    DirectiveRow(
      in: "", "trust", [.list("NETWORK", .word, atLeast: 1)], .many, absent: "nobody",
      help: "Peers whose X-Forwarded-*, X-Request-Id and tenant header are believed, such as 10.0.0.0/8."),
    DirectiveRow(
      in: "", "forwarded", [.value("SWITCH", .choice(["on", "off"]))], absent: "off",
      help: "Whether backends get Forwarded (RFC 7239) beside X-Forwarded-*: trusted peers' chain and the client."),
    DirectiveRow(in: "", "timeouts", block: "timeouts", help: "How long each step of a connection may take."),
    DirectiveRow(in: "", "bounds", block: "bounds", help: "How much one connection, or the process, may hold."),
    DirectiveRow(in: "", "h2", block: "h2", help: "How much one connection of HTTP/2 may ask for."),
    DirectiveRow(
      in: "", "resolve", block: "resolve", absent: "host",
      help: "Where a tenant's name may come from; all sources present must name the same tenant."),
    DirectiveRow(
      in: "", "unknown-tenant", forms: [[.keyword("refuse")], [.keyword("use"), .value("TENANT", .name)]],
      absent: "refuse", help: "What becomes of requests that name no tenant."),
    DirectiveRow(
      in: "", "rate-limit-headers", [.value("SWITCH", .choice(["on", "off", "legacy"]))], absent: "on",
      help: "Whether answers carry RateLimit and RateLimit-Policy; legacy adds X-RateLimit-* of the tightest limit."),
    DirectiveRow(
      in: "", "shard", [.value("name", .name)], .named, block: "shard",
      help: "A group of backends that holds the data of some tenants."),
    DirectiveRow(
      in: "", "plan", [.value("name", .name)], .named, block: "plan", help: "Limits that tenants share by name."),
    DirectiveRow(
      in: "", "tenant", [.value("id", .name)], .many, block: "tenant",
      help: "A tenant: its hosts, plan, home and own limits."),
    DirectiveRow(
      in: "", "tenants", forms: [[.keyword("table"), .value("FILE", .word)], [.keyword("store")]], .many,
      help:
        "A file of tenants, one a line: acme plan=gold home=eu-1 epoch=7 host=a.example,*.a.example state=active requests=50/s+100; or those made by the admin API, which live in 'state'."
    ),
    DirectiveRow(in: "", "placement", block: "placement", help: "Where tenants live that name no home."),
    DirectiveRow(
      in: "", "defaults", [.value("KIND", .choice(["shard", "plan", "tenant"]))], .named, block: "",
      help: "What blocks of this kind have that don't say otherwise; tables of tenants take nothing from here."),
    DirectiveRow(
      in: "", "include", [.value("GLOB", .word)], .many,
      help: "Reads other files here, seen from this file's folder; may stand in any block."),
  ]

  private static let metricsRows: [DirectiveRow] = [
    DirectiveRow(
      in: "metrics", "tenants", [.value("N", .count(0...100_000))], absent: "500",
      help: "Tenants with a row of their own, chosen by traffic; the others are summed up as _other."),
    DirectiveRow(
      in: "access-log", "format", [.value("FORMAT", .choice(["json", "combined", "logfmt"]))], absent: "json",
      help: "How a line looks."),
  ]

  private static func timeout(_ name: String, _ absent: String, _ help: String) -> DirectiveRow {
    DirectiveRow(in: "timeouts", name, [.value("TIME", .duration(spans))], absent: absent, help: help)
  }

  private static let timeoutRows: [DirectiveRow] = [
    timeout("header", "10s", "The whole head of a request."),
    timeout("body-idle", "30s", "Between two pieces of a request's body."),
    timeout("keep-alive", "60s", "Between two requests of a connection."),
    timeout("connect", "2s", "Until a backend accepts a connection."),
    timeout("response", "30s", "Until the first byte of the response's head."),
    timeout("idle", "5m", "Without a byte either way, on tunnels and streams."),
  ]

  private static let boundRows: [DirectiveRow] = [
    DirectiveRow(
      in: "bounds", "header-size", [.value("SIZE", .size((1 << 10)...(256 << 10)))], absent: "32KiB",
      help: "Bytes of a head; over it 431, or 414 for the request line alone."),
    DirectiveRow(
      in: "bounds", "header-count", [.value("N", .count(1...1000))], absent: "128",
      help: "Fields of a head; over it 431."),
    DirectiveRow(
      in: "bounds", "body-size", [.value("SIZE", .size(0...(1 << 60)))], absent: "0B, unlimited",
      help: "Bytes of a request's body; over it 413."),
    DirectiveRow(
      in: "bounds", "connections", [.value("N", .count(1...10_000_000))], absent: "20000",
      help: "Client connections of the whole process."),
  ]

  private static let resolveRows: [DirectiveRow] = [
    DirectiveRow(in: "resolve", "host", help: "By the host lines of tenants: exact, then the longest wildcard."),
    DirectiveRow(
      in: "resolve", "subdomain", [.keyword("of"), .value("DOMAIN", .word)], .many,
      help: "By the label before a domain: acme.apps.example.com names acme."),
    DirectiveRow(
      in: "resolve", "header", [.value("FIELD", .word)], .many,
      help: "By a field, from trusted peers only; from others it is removed."),
    DirectiveRow(
      in: "resolve", "path", [.value("PREFIX", .word)], .many,
      help: "By the segment after a prefix: /t/acme/orders names acme; the path is forwarded as it came."),
    DirectiveRow(
      in: "resolve", "client-certificate",
      forms: [
        [.keyword("uri"), .value("PREFIX", .word)], [.keyword("dns"), .keyword("of"), .value("DOMAIN", .word)],
        [.keyword("common-name")],
      ], .many,
      help: "By the client's verified certificate: a URI's segment after a prefix, a label before a domain, its name."),
  ]

  private static let healthTimes: [Argument] = [
    .extra("every", "TIME", .duration(100_000_000...day)), .extra("timeout", "TIME", .duration(10_000_000...day)),
    .extra("rise", "N", .count(1...10_000)), .extra("fall", "N", .count(1...10_000)),
  ]

  private static let shardRows: [DirectiveRow] = [
    DirectiveRow(in: "shard", "region", [.value("name", .name)], help: "Where the shard stands."),
    DirectiveRow(
      in: "shard", "test", absent: "not for tests",
      help: "Marks a shard for tests: tenants marked 'test' are served by such shards only."),
    DirectiveRow(
      in: "shard", "backend", [.value("ADDRESS", .word), .extra("weight", "N", .count(1...256))], .atLeastOnce,
      isDefaultable: false, help: "An app server: 10.0.0.1:80, [::1]:80, name:80 or unix:/path."),
    DirectiveRow(
      in: "shard", "balance",
      [.value("ALGORITHM", .choice(["round-robin", "least-requests", "peak-ewma", "random"]))],
      absent: "least-requests", help: "How a backend is chosen."),
    DirectiveRow(
      in: "shard", "sticky",
      [
        .keyword("cookie"), .value("NAME", .word),
        .extra("for", "TIME", .duration(1_000_000_000...(400 * day)), isRequired: true),
      ],
      absent: "off", help: "Keeps a client on its backend by a signed cookie."),
    DirectiveRow(
      in: "shard", "health",
      forms: [
        [.keyword("grpc"), .list("SERVICE", .word, atLeast: 0)] + healthTimes, [.keyword("tcp")] + healthTimes,
        [.value("METHOD", .choice(["GET", "HEAD"])), .value("PATH", .word)] + healthTimes,
      ],
      absent: "no active checks",
      help:
        "Asks each backend, in gRPC whether it or a service is SERVING, or only connects; every 5s timeout 2s rise 2 fall 3 unless said otherwise."
    ),
    DirectiveRow(
      in: "shard", "protocol", [.value("PROTOCOL", .choice(["http/1.1", "h2"]))], absent: "http/1.1",
      help: "What backends are spoken to in; h2 puts many requests on a connection."),
    DirectiveRow(
      in: "shard", "tls", block: "tls", absent: "in clear", help: "TLS to the backends, checks included."),
    DirectiveRow(
      in: "shard", "proxy-protocol",
      [.value("VERSION", .choice(["v1", "v2"])), .extra("checksum", "SWITCH", .choice(["on", "off"]))], absent: "no",
      help: "Says first on each connection whom it speaks for (PROXY protocol), v2 with the tenant too; HTTP/1.1 only."),
    DirectiveRow(
      in: "shard", "pool",
      [.extra("idle", "N", .count(0...100_000)), .extra("per-tenant", "N", .count(1...1_000_000)), .flag("dedicated")],
      absent: "idle 64",
      help:
        "Unused connections kept per worker and backend; used ones that a tenant may have at once; whether none is shared."
    ),
  ]

  private static func regionRow(in kind: String, absent: String) -> DirectiveRow {
    DirectiveRow(
      in: kind, "region", [.value("NAME", .name)], absent: absent,
      help: "Where requests are served and nowhere else, whatever fails: only shards of this region.")
  }

  private static let planRows: [DirectiveRow] =
    limitRows(in: "plan", absent: "unlimited") + [regionRow(in: "plan", absent: "anywhere")]

  private static let tenantRows: [DirectiveRow] =
    [
      DirectiveRow(
        in: "tenant", "host", [.list("HOST", .word, atLeast: 1)], .many, isDefaultable: false,
        help: "Hosts that name the tenant; *.acme.example covers any depth below acme.example."),
      DirectiveRow(
        in: "tenant", "plan", [.value("NAME", .name)], absent: "no limits", help: "The plan whose limits hold."),
      DirectiveRow(
        in: "tenant", "home", [.value("SHARD", .name)], absent: "see placement",
        help: "The shard that serves the tenant."),
      regionRow(in: "tenant", absent: "the plan's"),
    ] + limitRows(in: "tenant", absent: "the plan's")
    + [
      DirectiveRow(
        in: "tenant", "epoch", [.value("N", .count(0...Int64.max))], isDefaultable: false, absent: "0",
        help: "The version of the tenant's placement; grows with each move."),
      DirectiveRow(
        in: "tenant", "state",
        [.value("STATE", .choice(TenantState.allCases.map(\.word))), .extra("until", "TIME", .word)],
        isDefaultable: false, absent: "active",
        help:
          "Whether it is served: read-only refuses changes (403), maintenance all for a while (503), suspended all (403), gone for good (410); past-due is served as sheddable. 'until' makes it active again: 2026-12-01T08:00:00Z."
      ),
      DirectiveRow(
        in: "tenant", "test", [.extra("until", "TIME", .word)], isDefaultable: false, absent: "no",
        help: "Marks a tenant of tests, which only shards marked 'test' serve; 'until' makes it gone."),
    ]

  private static let placementRows: [DirectiveRow] = [
    DirectiveRow(
      in: "placement", "unlisted",
      forms: [[.keyword("hash"), .list("SHARD", .name, atLeast: 0)], [.keyword("refuse")]],
      absent: "hash over all shards", help: "Tenants without a home: spread by rendezvous hash, or refused.")
  ]
}
