import Engine

extension MetricsPage {
  /// What is counted of the proxy as a whole.
  mutating func writeProxy(_ snapshot: MetricsSnapshot, droppedLines: UInt64) {
    begin("gatehouse_refused_total", .counter, "Requests refused before a tenant was known.")
    for (code, count) in snapshot.refused { sample(Labels("code", code), count) }
    begin(
      "gatehouse_client_connections", .gauge, "Connections of clients, with a request in flight or waiting for one.")
    sample(Labels("state", "active"), snapshot.activeConnections)
    sample(Labels("state", "idle"), snapshot.idleConnections)
    if !snapshot.floods.isEmpty {
      begin("gatehouse_http2_floods_total", .counter, "Connections and streams of HTTP/2 ended for asking too much.")
      for (kind, count) in snapshot.floods { sample(Labels("kind", kind), count) }
    }
    if let level = snapshot.overload {
      begin(
        "gatehouse_overload_level", .gauge,
        "0 serves all, 1 accepts nobody, 2 refuses the sheddable, 3 all but critical.")
      sample(Labels(), level)
      begin("gatehouse_overload_refused_total", .counter, "Requests refused since the process runs out of something.")
      sample(Labels(), snapshot.overloaded)
      begin("gatehouse_overload_parted_total", .counter, "Idle clients that were parted from for want of room.")
      sample(Labels(), snapshot.idleParted)
    }
    if !snapshot.moves.isEmpty {
      begin("gatehouse_moves", .gauge, "Moves of tenants by state; of those that have ended the newest thousand.")
      for (state, count) in snapshot.moves { sample(Labels("state", state), count) }
    }
    begin("gatehouse_hold_parked", .gauge, "Requests held now for the moves of their tenants.")
    sample(Labels(), snapshot.holds.parked)
    begin("gatehouse_held_total", .counter, "Requests that were held for the moves of their tenants.")
    sample(Labels(), snapshot.holds.total)
    begin(
      "gatehouse_hold_refused_total", .counter, "Requests refused for want of room to hold them, or held for too long.")
    sample(Labels("reason", "overflow"), snapshot.holds.overflowed)
    sample(Labels("reason", "timeout"), snapshot.holds.late)
    begin(
      "gatehouse_stale_route_total", .counter,
      "Answers of backends that knew a newer placement than their request told.")
    sample(Labels(), snapshot.staleRoutes)
    begin("gatehouse_affinity_total", .counter, "What became of affinity cookies.")
    sample(Labels("result", "bound"), snapshot.affinity.bound)
    sample(Labels("result", "kept"), snapshot.affinity.kept)
    sample(Labels("result", "rebound"), snapshot.affinity.rebound)
    sample(Labels("result", "rejected"), snapshot.affinity.rejected)
    begin("gatehouse_tls_handshakes_total", .counter, "Handshakes of clients, by how they ended.")
    sample(Labels("result", "full"), snapshot.handshakes.full)
    sample(Labels("result", "resumed"), snapshot.handshakes.resumed)
    sample(Labels("result", "failed"), snapshot.handshakes.failed)
    if !snapshot.handshakes.failures.isEmpty {
      begin("gatehouse_tls_handshake_failures_total", .counter, "Handshakes that failed, by the peer's side and why.")
      for (side, reason, count) in snapshot.handshakes.failures {
        sample(Labels("side", side).and("reason", reason), count)
      }
    }
    begin(
      "gatehouse_certificate_expiry_timestamp_seconds", .gauge, "When a certificate stops to be good, the soonest 100.")
    for (name, time) in snapshot.expiries { sample(Labels("name", name), Int(time)) }
    begin("gatehouse_log_dropped_total", .counter, "Access records that were not written.")
    sample(Labels(), snapshot.droppedRecords &+ droppedLines)
  }

  /// What is known of the configuration.
  mutating func writeConfiguration(_ snapshot: MetricsSnapshot, _ reload: ReloadFacts) {
    begin("gatehouse_tenants", .gauge, "Tenants configured.")
    sample(Labels(), snapshot.tenantCount)
    begin("gatehouse_metrics_folded_tenants", .gauge, "Tenants with traffic that are summed up as _other.")
    sample(Labels(), snapshot.foldedTenants)
    begin("gatehouse_config_generation", .gauge, "Grows by one with each configuration put into use.")
    sample(Labels(), snapshot.generation)
    begin("gatehouse_config_last_reload_successful", .gauge, "Whether the last configuration given was put into use.")
    sample(Labels(), reload.isSuccessful ? 1 : 0)
    begin(
      "gatehouse_config_last_reload_success_timestamp_seconds", .gauge, "When a configuration was last put into use.")
    sample(Labels(), reload.lastSuccess)
  }

  /// What is known of upgrades.
  mutating func writeUpgrades(_ facts: UpgradeFacts) {
    begin("gatehouse_upgrades_total", .counter, "New binaries that took the place of the one before, or did not.")
    sample(Labels("result", "done"), facts.done)
    sample(Labels("result", "failed"), facts.failed)
  }

  /// What is known of the admin API.
  mutating func writeAdmin(_ facts: AdminFacts) {
    begin("gatehouse_admin_calls_total", .counter, "Calls of the admin API, refused ones too.")
    sample(Labels(), facts.calls)
    begin("gatehouse_admin_refused_total", .counter, "Calls of the admin API refused for who called.")
    sample(Labels(), facts.refusals)
    begin("gatehouse_break_glass_total", .counter, "Sealed tokens used for the first time: somebody broke the glass.")
    sample(Labels(), facts.openings)
    begin("gatehouse_break_glass_open", .gauge, "Sealed tokens that were used and are still good.")
    sample(Labels(), facts.openSeals)
    begin("gatehouse_audit_successful", .gauge, "Whether the last entry of the audit log could be written.")
    sample(Labels(), facts.isAudited ? 1 : 0)
  }

  /// What was built.
  mutating func writeBuild(_ build: BuildFacts) {
    begin("gatehouse_build_info", .gauge, "Always 1; the labels say what runs.")
    sample(Labels("version", build.version).and("swift", build.swift).and("openssl", build.openSSL), 1)
  }

  /// What the kernel knows of the process; facts it would not tell are left out.
  mutating func writeProcess(_ facts: ProcessFacts) {
    if let seconds = facts.cpuSeconds {
      begin("process_cpu_seconds_total", .counter, "User and system CPU time in seconds.")
      sample(Labels(), seconds)
    }
    gauge("process_open_fds", "Open file descriptors.", facts.openDescriptors)
    gauge("process_max_fds", "File descriptors that may be open.", facts.maximumDescriptors)
    gauge("process_virtual_memory_bytes", "Virtual memory in bytes.", facts.virtualBytes)
    gauge("process_virtual_memory_max_bytes", "Virtual memory that may be used, in bytes.", facts.maximumVirtualBytes)
    gauge("process_resident_memory_bytes", "Resident memory in bytes.", facts.residentBytes)
    if let time = facts.startTime {
      begin("process_start_time_seconds", .gauge, "When the process started, in seconds since 1970.")
      sample(Labels(), time)
    }
  }

  private mutating func gauge(_ name: String, _ help: String, _ value: UInt64?) {
    guard let value else { return }
    begin(name, .gauge, help)
    sample(Labels(), value)
  }
}
