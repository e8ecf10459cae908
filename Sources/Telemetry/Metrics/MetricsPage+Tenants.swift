import Engine

extension MetricsPage {
  /// The families by tenant: each tenant of the snapshot, then the sum of the others.
  mutating func writeTenants(_ snapshot: MetricsSnapshot) {
    let rows = (snapshot.tenants + (snapshot.otherTenants.map { [$0] } ?? [])).map { ($0, Labels("tenant", $0.name)) }
    writeAnswers(rows)
    begin("gatehouse_request_duration_seconds", .histogram, "From a request's first byte to the end of its answer.")
    for (row, labels) in rows { histogram(labels, row.duration) }
    begin("gatehouse_requests_in_flight", .gauge, "Requests in flight.")
    for (row, labels) in rows { sample(labels, row.inFlight) }
    begin("gatehouse_limited_total", .counter, "Requests refused by a limit.")
    for (row, labels) in rows {
      for (limit, count) in row.limited { sample(labels.and("limit", limit), count) }
    }
    writeLimits(rows)
    begin("gatehouse_bytes_total", .counter, "Bytes received from clients (in) and sent to them (out).")
    for (row, labels) in rows {
      sample(labels.and("direction", "in"), row.bytesIn)
      sample(labels.and("direction", "out"), row.bytesOut)
    }
  }

  private mutating func writeLimits(_ rows: [(TenantMetrics, Labels)]) {
    begin("gatehouse_limit_shadow_total", .counter, "Requests that a limit in shadow mode would have refused.")
    for (row, labels) in rows {
      for (limit, count) in row.shadowed { sample(labels.and("limit", limit), count) }
    }
    begin("gatehouse_limit_evicted_total", .counter, "Buckets of clients or values that had to make room for others.")
    for (row, labels) in rows {
      for (limit, count) in row.evicted { sample(labels.and("limit", limit), count) }
    }
    begin("gatehouse_limit_ratio", .gauge, "How much of a limit is used; 1 is all of it.")
    for (row, labels) in rows {
      for (limit, ratio) in row.ratios { sample(labels.and("limit", limit), ratio) }
    }
  }

  private mutating func writeAnswers(_ rows: [(TenantMetrics, Labels)]) {
    begin("gatehouse_requests_total", .counter, "Requests answered, by the class of the status.")
    for (row, labels) in rows {
      for (shard, classes) in row.answers {
        let place = labels.and("shard", shard)
        for (index, count) in classes.enumerated() where count > 0 {
          sample(place.and("code", "\(index + 1)xx"), count)
        }
      }
    }
  }

  /// The families by shard and by backend.
  mutating func writeShards(_ shards: [ShardMetrics]) {
    let rows = shards.map { ($0, Labels("shard", $0.name)) }
    begin("gatehouse_upstream_duration_seconds", .histogram, "From the start of an attempt to the end of its response.")
    for (row, labels) in rows { histogram(labels, row.duration) }
    begin("gatehouse_upstream_connections", .gauge, "Connections to backends.")
    for (row, labels) in rows {
      sample(labels.and("state", "active"), row.activeConnections)
      sample(labels.and("state", "idle"), row.idleConnections)
    }
    begin("gatehouse_retries_total", .counter, "Attempts after the first of a request.")
    for (row, labels) in rows { sample(labels, row.retries) }
    let backends = rows.flatMap { row, labels in
      MetricsPage.merged(row.backends).map { ($0, labels.and("backend", $0.name)) }
    }
    begin("gatehouse_backend_up", .gauge, "Whether the backend may be chosen.")
    for (row, labels) in backends { sample(labels, row.isUp ? 1 : 0) }
    begin(
      "gatehouse_backend_draining", .gauge,
      "1 while the backend serves only those bound to it, 2 while it is told to rest.")
    for (row, labels) in backends { sample(labels, Int(row.duty.rawValue)) }
    begin("gatehouse_backend_requests_total", .counter, "Responses of the backend, by the class of the status.")
    for (row, labels) in backends {
      for (index, count) in row.classes.enumerated() { sample(labels.and("code", "\(index + 1)xx"), count) }
    }
  }

  /// Rows of one name as one: a name that resolved to a new address has two, and a scrape with a series twice is void.
  static func merged(_ rows: [BackendMetrics]) -> [BackendMetrics] {
    var merged: [BackendMetrics] = []
    var places: [String: Int] = [:]
    for row in rows {
      guard let place = places[row.name] else {
        places[row.name] = merged.count
        merged.append(row)
        continue
      }
      merged[place].ejections += row.ejections
      merged[place].isUp = merged[place].isUp || row.isUp
      for index in row.classes.indices { merged[place].classes[index] += row.classes[index] }
    }
    return merged
  }
}
