import Engine

extension MetricsPage {
  /// What is known of shards that bound their concurrency.
  mutating func writeSlots(_ shards: [ShardMetrics]) {
    let bounded = shards.compactMap { shard in shard.slots.map { (label: Labels("shard", shard.name), slots: $0) } }
    guard !bounded.isEmpty else { return }
    begin("gatehouse_slots", .gauge, "Requests that the shard's backends are given at once.")
    for shard in bounded { sample(shard.label, shard.slots.limit) }
    begin("gatehouse_slots_held", .gauge, "Requests that the shard's backends have now.")
    for shard in bounded { sample(shard.label, shard.slots.held) }
    begin("gatehouse_queue_waiting", .gauge, "Requests that wait for a slot of the shard.")
    for shard in bounded { sample(shard.label, shard.slots.waiting) }
    begin("gatehouse_slot_usual_seconds", .gauge, "How long a request of most tenants holds its slot.")
    for shard in bounded { sample(shard.label, Double(shard.slots.usual) / 1e9) }
    begin("gatehouse_queue_seconds", .histogram, "How long requests waited for the slot they were given.")
    for shard in bounded { histogram(shard.label, shard.slots.waited) }
    begin("gatehouse_shed_total", .counter, "Requests refused for want of a slot: the queue full, or waiting too long.")
    for shard in bounded {
      for (reason, count) in shard.slots.shed { sample(shard.label.and("reason", reason), count) }
    }
  }
}
