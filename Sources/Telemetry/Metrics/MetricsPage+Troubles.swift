import Engine

extension MetricsPage {
  /// What became of requests that failed, of shards that say what should.
  mutating func writeTroubles(_ shards: [ShardMetrics]) {
    let watched = shards.compactMap { shard in shard.troubles.map { (Labels("shard", shard.name), $0, shard.backends) }
    }
    guard !watched.isEmpty else { return }
    begin("gatehouse_retries_refused_total", .counter, "Retries that were not made for want of a budget.")
    for (label, troubles, _) in watched { sample(label, troubles.refusedRetries) }
    begin("gatehouse_ejections_total", .counter, "How often a backend was taken out for what it answered.")
    for (label, _, backends) in watched {
      for row in MetricsPage.merged(backends) { sample(label.and("backend", row.name), row.ejections) }
    }
    begin("gatehouse_breaker_opened_total", .counter, "Breakers of tenants that opened.")
    for (label, troubles, _) in watched { sample(label, troubles.opened) }
    begin("gatehouse_breaker_refused_total", .counter, "Requests refused by their tenant's breaker.")
    for (label, troubles, _) in watched { sample(label, troubles.heldOff) }
    begin("gatehouse_standby_requests_total", .counter, "Requests of the shard that a standby served.")
    for (label, troubles, _) in watched { sample(label, troubles.standIns) }
  }
}
