import Engine
import Foundation
import Primitives
import Testing

@testable import Telemetry

/// The samples of a scrape: its lines that are no comments, as series and value.
private func samples(_ text: String) -> [(series: String, value: String)] {
  text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map { line in
    let space = line.lastIndex(of: " ")!
    return (String(line[..<space]), String(line[line.index(after: space)...]))
  }
}

/// The sum of all samples whose series begins with `prefix` and holds `part`.
private func sum(_ text: String, _ prefix: String, _ part: String = "") -> UInt64 {
  samples(text).reduce(0) { total, sample in
    guard sample.series.hasPrefix(prefix), part.isEmpty || sample.series.contains(part) else { return total }
    return total + UInt64(sample.value)!
  }
}

@Suite struct MetricsTextTests {
  @Test func prometheusText() { #expect(SampleSnapshot.text(.prometheus) == MetricsGolden.prometheus) }

  @Test func openMetricsText() { #expect(SampleSnapshot.text(.openMetrics) == MetricsGolden.openMetrics) }

  @Test func nothingCountedYet() {
    let bytes = MetricsText.render(
      MetricsSnapshot(), build: SampleSnapshot.build, process: ProcessFacts(),
      reload: ReloadFacts(isSuccessful: false, lastSuccess: 0), format: .prometheus)
    let found = samples(String(decoding: bytes, as: UTF8.self)).map { "\($0.series) \($0.value)" }
    #expect(
      found == [
        "gatehouse_client_connections{state=\"active\"} 0", "gatehouse_client_connections{state=\"idle\"} 0",
        "gatehouse_hold_parked 0", "gatehouse_held_total 0", "gatehouse_hold_refused_total{reason=\"overflow\"} 0",
        "gatehouse_hold_refused_total{reason=\"timeout\"} 0", "gatehouse_stale_route_total 0",
        "gatehouse_affinity_total{result=\"bound\"} 0", "gatehouse_affinity_total{result=\"kept\"} 0",
        "gatehouse_affinity_total{result=\"rebound\"} 0", "gatehouse_affinity_total{result=\"rejected\"} 0",
        "gatehouse_tls_handshakes_total{result=\"full\"} 0", "gatehouse_tls_handshakes_total{result=\"resumed\"} 0",
        "gatehouse_tls_handshakes_total{result=\"failed\"} 0",
        "gatehouse_log_dropped_total 0", "gatehouse_tenants 0", "gatehouse_metrics_folded_tenants 0",
        "gatehouse_config_generation 0", "gatehouse_config_last_reload_successful 0",
        "gatehouse_config_last_reload_success_timestamp_seconds 0.0", "gatehouse_upgrades_total{result=\"done\"} 0",
        "gatehouse_upgrades_total{result=\"failed\"} 0",
        "gatehouse_build_info{version=\"0.1.0\",swift=\"6.3.1\",openssl=\"3.0.19\"} 1",
      ])
  }

  @Test func whatFailedIsToldOfShardsThatLookAtIt() {
    var snapshot = MetricsSnapshot()
    var shard = ShardMetrics(name: "eu-1")
    var backend = BackendMetrics(name: "10.0.0.1:80")
    backend.ejections = 3
    shard.backends = [backend]
    snapshot.shards = [shard]
    #expect(!SampleSnapshot.text(.prometheus, of: snapshot).contains("ejections"))
    var troubles = TroubleMetrics()
    (troubles.refusedRetries, troubles.opened, troubles.heldOff, troubles.standIns) = (1, 2, 4, 5)
    snapshot.shards[0].troubles = troubles
    let text = SampleSnapshot.text(.prometheus, of: snapshot)
    #expect(text.contains("\ngatehouse_retries_refused_total{shard=\"eu-1\"} 1\n"))
    #expect(text.contains("\ngatehouse_ejections_total{shard=\"eu-1\",backend=\"10.0.0.1:80\"} 3\n"))
    #expect(text.contains("\ngatehouse_breaker_opened_total{shard=\"eu-1\"} 2\n"))
    #expect(text.contains("\ngatehouse_breaker_refused_total{shard=\"eu-1\"} 4\n"))
    #expect(text.contains("\ngatehouse_standby_requests_total{shard=\"eu-1\"} 5\n"))
  }

  @Test(arguments: [
    ("plain", "plain"), ("a\"b", "a\\\"b"), ("a\\b", "a\\\\b"), ("a\nb", "a\\nb"), ("\\n", "\\\\n"), ("é\t}", "é\t}"),
  ])
  func labelsAreEscaped(name: String, escaped: String) {
    var snapshot = MetricsSnapshot()
    snapshot.tenants = [TenantMetrics(name: name)]
    snapshot.shards = [ShardMetrics(name: name)]
    let text = SampleSnapshot.text(.prometheus, of: snapshot)
    #expect(text.contains("\ngatehouse_requests_in_flight{tenant=\"\(escaped)\"} 0\n"))
    #expect(text.contains("\ngatehouse_upstream_connections{shard=\"\(escaped)\",state=\"idle\"} 0\n"))
  }

  @Test func slotsAndOverloadAreToldWhereTheyAreWatched() {
    var snapshot = MetricsSnapshot()
    snapshot.shards = [ShardMetrics(name: "a"), ShardMetrics(name: "b")]
    #expect(!SampleSnapshot.text(.prometheus, of: snapshot).contains("gatehouse_slots"))
    #expect(!SampleSnapshot.text(.prometheus, of: snapshot).contains("gatehouse_overload"))
    var slots = SlotMetrics()
    (slots.limit, slots.held, slots.waiting, slots.usual) = (32, 31, 7, 50_000_000)
    slots.waited.buckets[0] = 3
    slots.shed = [("full", 5)]
    snapshot.shards[1].slots = slots
    (snapshot.overload, snapshot.overloaded) = (2, 9)
    let text = SampleSnapshot.text(.prometheus, of: snapshot)
    for line in [
      "gatehouse_slots{shard=\"b\"} 32", "gatehouse_slots_held{shard=\"b\"} 31",
      "gatehouse_queue_waiting{shard=\"b\"} 7", "gatehouse_slot_usual_seconds{shard=\"b\"} 0.05",
      "gatehouse_queue_seconds_count{shard=\"b\"} 3", "gatehouse_shed_total{shard=\"b\",reason=\"full\"} 5",
      "gatehouse_overload_level 2", "gatehouse_overload_refused_total 9",
    ] {
      #expect(text.contains("\n\(line)\n"), "\(line)")
    }
    #expect(!text.contains("gatehouse_slots{shard=\"a\"}"))
  }

  @Test func totalsAreExact() {
    var random = SeededRandom(seed: 9)
    var snapshot = MetricsSnapshot()
    var requests: UInt64 = 0
    var bytes: UInt64 = 0
    for number in 0..<51 {
      var row = TenantMetrics(name: number == 50 ? "_other" : "t\(number)")
      for shard in ["", "a", "b"] {
        let classes = (0..<5).map { _ in UInt64(random.below(1 << 40)) }
        requests += classes.reduce(0, +)
        row.answers.append((shard: shard, classes: classes))
      }
      row.bytesIn = UInt64(random.below(1 << 50))
      bytes += row.bytesIn
      row.duration.buckets = row.duration.buckets.map { _ in UInt64(random.below(1 << 40)) }
      if number == 50 { snapshot.otherTenants = row } else { snapshot.tenants.append(row) }
    }
    for format in [MetricsText.Format.prometheus, .openMetrics] {
      let text = SampleSnapshot.text(format, of: snapshot)
      #expect(sum(text, "gatehouse_requests_total{") == requests)
      #expect(sum(text, "gatehouse_bytes_total{", "direction=\"in\"") == bytes)
      let rows = snapshot.tenants + [snapshot.otherTenants!]
      let durations = rows.reduce(0) { $0 + $1.duration.buckets.reduce(0, +) }
      #expect(sum(text, "gatehouse_request_duration_seconds_count{") == durations)
      #expect(sum(text, "gatehouse_request_duration_seconds_bucket{", "le=\"+Inf\"") == durations)
    }
  }

  @Test func noSeriesComesTwice() {
    var snapshot = SampleSnapshot.snapshot
    var again = BackendMetrics(name: "127.0.0.1:9002")
    again.classes = [0, 1, 0, 0, 2]
    snapshot.shards[0].backends.append(again)
    let text = SampleSnapshot.text(.prometheus, of: snapshot)
    let series = samples(text).map(\.series)
    #expect(Set(series).count == series.count)
    #expect(text.contains("gatehouse_backend_up{shard=\"eu-1\",backend=\"127.0.0.1:9002\"} 1\n"))
    #expect(text.contains("backend=\"127.0.0.1:9002\",code=\"5xx\"} 2\n"))
  }

  @Test func numbersThatAreNone() {
    for (value, shown) in [(Double.nan, "NaN"), (.infinity, "+Inf"), (-.infinity, "-Inf"), (1e300, "1e+300")] {
      var snapshot = SampleSnapshot.snapshot
      snapshot.tenants[0].duration.sum = value
      let text = SampleSnapshot.text(.prometheus, of: snapshot)
      #expect(text.contains("gatehouse_request_duration_seconds_sum{tenant=\"acme\"} \(shown)\n"))
    }
  }

  @Test(.enabled(if: promtool != nil, "promtool is in Debian's package prometheus"))
  func promtoolFindsNoFault() throws {
    #expect(try check(SampleSnapshot.text(.prometheus)) == "")
    // It does look: a counter without `_total` is a fault.
    #expect(try check("# HELP x An x.\n# TYPE x counter\nx 1\n") != "")
  }

  private static let promtool = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    .map { $0 + "/promtool" }.first { FileManager.default.isExecutableFile(atPath: $0) }

  /// What `promtool check metrics` says of `text`; nothing when all is well.
  private func check(_ text: String) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: try #require(MetricsTextTests.promtool))
    process.arguments = ["check", "metrics"]
    let (input, output) = (Pipe(), Pipe())
    process.standardInput = input
    process.standardOutput = output
    process.standardError = output
    try process.run()
    try input.fileHandleForWriting.write(contentsOf: Data(text.utf8))
    try input.fileHandleForWriting.close()
    let said = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    let words = String(decoding: said, as: UTF8.self)
    return process.terminationStatus == 0 ? words : words + "exit \(process.terminationStatus)"
  }
}
