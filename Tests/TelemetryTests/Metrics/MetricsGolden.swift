/// What `SampleSnapshot` is in both text forms.
enum MetricsGolden {
  static let prometheus = """
    # HELP gatehouse_requests_total Requests answered, by the class of the status.
    # TYPE gatehouse_requests_total counter
    gatehouse_requests_total{tenant="acme",shard="eu-1",code="2xx"} 90
    gatehouse_requests_total{tenant="acme",shard="eu-1",code="4xx"} 5
    gatehouse_requests_total{tenant="acme",shard="eu-1",code="5xx"} 1
    gatehouse_requests_total{tenant="acme",shard="",code="4xx"} 4
    gatehouse_requests_total{tenant="_other",shard="eu-1",code="2xx"} 7
    # HELP gatehouse_request_duration_seconds From a request's first byte to the end of its answer.
    # TYPE gatehouse_request_duration_seconds histogram
    gatehouse_request_duration_seconds_bucket{tenant="acme",le="0.001"} 1
    gatehouse_request_duration_seconds_bucket{tenant="acme",le="0.0025"} 3
    gatehouse_request_duration_seconds_bucket{tenant="acme",le="0.005"} 6
    gatehouse_request_duration_seconds_bucket{tenant="acme",le="0.01"} 10
    gatehouse_request_duration_seconds_bucket{tenant="acme",le="0.025"} 10
    gatehouse_request_duration_seconds_bucket{tenant="acme",le="0.05"} 10
    gatehouse_request_duration_seconds_bucket{tenant="acme",le="0.1"} 10
    gatehouse_request_duration_seconds_bucket{tenant="acme",le="0.25"} 10
    gatehouse_request_duration_seconds_bucket{tenant="acme",le="0.5"} 10
    gatehouse_request_duration_seconds_bucket{tenant="acme",le="1"} 10
    gatehouse_request_duration_seconds_bucket{tenant="acme",le="2.5"} 10
    gatehouse_request_duration_seconds_bucket{tenant="acme",le="5"} 10
    gatehouse_request_duration_seconds_bucket{tenant="acme",le="10"} 10
    gatehouse_request_duration_seconds_bucket{tenant="acme",le="+Inf"} 100
    gatehouse_request_duration_seconds_sum{tenant="acme"} 12.5
    gatehouse_request_duration_seconds_count{tenant="acme"} 100
    gatehouse_request_duration_seconds_bucket{tenant="_other",le="0.001"} 0
    gatehouse_request_duration_seconds_bucket{tenant="_other",le="0.0025"} 0
    gatehouse_request_duration_seconds_bucket{tenant="_other",le="0.005"} 0
    gatehouse_request_duration_seconds_bucket{tenant="_other",le="0.01"} 0
    gatehouse_request_duration_seconds_bucket{tenant="_other",le="0.025"} 0
    gatehouse_request_duration_seconds_bucket{tenant="_other",le="0.05"} 7
    gatehouse_request_duration_seconds_bucket{tenant="_other",le="0.1"} 7
    gatehouse_request_duration_seconds_bucket{tenant="_other",le="0.25"} 7
    gatehouse_request_duration_seconds_bucket{tenant="_other",le="0.5"} 7
    gatehouse_request_duration_seconds_bucket{tenant="_other",le="1"} 7
    gatehouse_request_duration_seconds_bucket{tenant="_other",le="2.5"} 7
    gatehouse_request_duration_seconds_bucket{tenant="_other",le="5"} 7
    gatehouse_request_duration_seconds_bucket{tenant="_other",le="10"} 7
    gatehouse_request_duration_seconds_bucket{tenant="_other",le="+Inf"} 7
    gatehouse_request_duration_seconds_sum{tenant="_other"} 0.0
    gatehouse_request_duration_seconds_count{tenant="_other"} 7
    # HELP gatehouse_requests_in_flight Requests in flight.
    # TYPE gatehouse_requests_in_flight gauge
    gatehouse_requests_in_flight{tenant="acme"} 2
    gatehouse_requests_in_flight{tenant="_other"} 0
    # HELP gatehouse_limited_total Requests refused by a limit.
    # TYPE gatehouse_limited_total counter
    gatehouse_limited_total{tenant="acme",limit="requests"} 3
    gatehouse_limited_total{tenant="acme",limit="concurrency"} 1
    # HELP gatehouse_limit_shadow_total Requests that a limit in shadow mode would have refused.
    # TYPE gatehouse_limit_shadow_total counter
    gatehouse_limit_shadow_total{tenant="acme",limit="requests per client"} 7
    # HELP gatehouse_limit_evicted_total Buckets of clients or values that had to make room for others.
    # TYPE gatehouse_limit_evicted_total counter
    gatehouse_limit_evicted_total{tenant="acme",limit="requests per client"} 2
    # HELP gatehouse_limit_ratio How much of a limit is used; 1 is all of it.
    # TYPE gatehouse_limit_ratio gauge
    gatehouse_limit_ratio{tenant="acme",limit="requests"} 0.5
    # HELP gatehouse_bytes_total Bytes received from clients (in) and sent to them (out).
    # TYPE gatehouse_bytes_total counter
    gatehouse_bytes_total{tenant="acme",direction="in"} 1000
    gatehouse_bytes_total{tenant="acme",direction="out"} 18446744073709551615
    gatehouse_bytes_total{tenant="_other",direction="in"} 0
    gatehouse_bytes_total{tenant="_other",direction="out"} 0
    # HELP gatehouse_upstream_duration_seconds From the start of an attempt to the end of its response.
    # TYPE gatehouse_upstream_duration_seconds histogram
    gatehouse_upstream_duration_seconds_bucket{shard="eu-1",le="0.001"} 103
    gatehouse_upstream_duration_seconds_bucket{shard="eu-1",le="0.0025"} 103
    gatehouse_upstream_duration_seconds_bucket{shard="eu-1",le="0.005"} 103
    gatehouse_upstream_duration_seconds_bucket{shard="eu-1",le="0.01"} 103
    gatehouse_upstream_duration_seconds_bucket{shard="eu-1",le="0.025"} 103
    gatehouse_upstream_duration_seconds_bucket{shard="eu-1",le="0.05"} 103
    gatehouse_upstream_duration_seconds_bucket{shard="eu-1",le="0.1"} 103
    gatehouse_upstream_duration_seconds_bucket{shard="eu-1",le="0.25"} 103
    gatehouse_upstream_duration_seconds_bucket{shard="eu-1",le="0.5"} 103
    gatehouse_upstream_duration_seconds_bucket{shard="eu-1",le="1"} 103
    gatehouse_upstream_duration_seconds_bucket{shard="eu-1",le="2.5"} 103
    gatehouse_upstream_duration_seconds_bucket{shard="eu-1",le="5"} 103
    gatehouse_upstream_duration_seconds_bucket{shard="eu-1",le="10"} 103
    gatehouse_upstream_duration_seconds_bucket{shard="eu-1",le="+Inf"} 103
    gatehouse_upstream_duration_seconds_sum{shard="eu-1"} 0.05
    gatehouse_upstream_duration_seconds_count{shard="eu-1"} 103
    # HELP gatehouse_upstream_connections Connections to backends.
    # TYPE gatehouse_upstream_connections gauge
    gatehouse_upstream_connections{shard="eu-1",state="active"} 2
    gatehouse_upstream_connections{shard="eu-1",state="idle"} 5
    # HELP gatehouse_retries_total Attempts after the first of a request.
    # TYPE gatehouse_retries_total counter
    gatehouse_retries_total{shard="eu-1"} 1
    # HELP gatehouse_backend_up Whether the backend may be chosen.
    # TYPE gatehouse_backend_up gauge
    gatehouse_backend_up{shard="eu-1",backend="127.0.0.1:9001"} 1
    gatehouse_backend_up{shard="eu-1",backend="127.0.0.1:9002"} 0
    # HELP gatehouse_backend_draining 1 while the backend serves only those bound to it, 2 while it is told to rest.
    # TYPE gatehouse_backend_draining gauge
    gatehouse_backend_draining{shard="eu-1",backend="127.0.0.1:9001"} 0
    gatehouse_backend_draining{shard="eu-1",backend="127.0.0.1:9002"} 0
    # HELP gatehouse_backend_requests_total Responses of the backend, by the class of the status.
    # TYPE gatehouse_backend_requests_total counter
    gatehouse_backend_requests_total{shard="eu-1",backend="127.0.0.1:9001",code="1xx"} 0
    gatehouse_backend_requests_total{shard="eu-1",backend="127.0.0.1:9001",code="2xx"} 97
    gatehouse_backend_requests_total{shard="eu-1",backend="127.0.0.1:9001",code="3xx"} 0
    gatehouse_backend_requests_total{shard="eu-1",backend="127.0.0.1:9001",code="4xx"} 5
    gatehouse_backend_requests_total{shard="eu-1",backend="127.0.0.1:9001",code="5xx"} 1
    gatehouse_backend_requests_total{shard="eu-1",backend="127.0.0.1:9002",code="1xx"} 0
    gatehouse_backend_requests_total{shard="eu-1",backend="127.0.0.1:9002",code="2xx"} 0
    gatehouse_backend_requests_total{shard="eu-1",backend="127.0.0.1:9002",code="3xx"} 0
    gatehouse_backend_requests_total{shard="eu-1",backend="127.0.0.1:9002",code="4xx"} 0
    gatehouse_backend_requests_total{shard="eu-1",backend="127.0.0.1:9002",code="5xx"} 0
    # HELP gatehouse_refused_total Requests refused before a tenant was known.
    # TYPE gatehouse_refused_total counter
    gatehouse_refused_total{code="bad_request"} 8
    gatehouse_refused_total{code="tenant_unknown"} 9
    # HELP gatehouse_client_connections Connections of clients, with a request in flight or waiting for one.
    # TYPE gatehouse_client_connections gauge
    gatehouse_client_connections{state="active"} 2
    gatehouse_client_connections{state="idle"} 30
    # HELP gatehouse_hold_parked Requests held now for the moves of their tenants.
    # TYPE gatehouse_hold_parked gauge
    gatehouse_hold_parked 0
    # HELP gatehouse_held_total Requests that were held for the moves of their tenants.
    # TYPE gatehouse_held_total counter
    gatehouse_held_total 0
    # HELP gatehouse_hold_refused_total Requests refused for want of room to hold them, or held for too long.
    # TYPE gatehouse_hold_refused_total counter
    gatehouse_hold_refused_total{reason="overflow"} 0
    gatehouse_hold_refused_total{reason="timeout"} 0
    # HELP gatehouse_stale_route_total Answers of backends that knew a newer placement than their request told.
    # TYPE gatehouse_stale_route_total counter
    gatehouse_stale_route_total 0
    # HELP gatehouse_affinity_total What became of affinity cookies.
    # TYPE gatehouse_affinity_total counter
    gatehouse_affinity_total{result="bound"} 11
    gatehouse_affinity_total{result="kept"} 12
    gatehouse_affinity_total{result="rebound"} 13
    gatehouse_affinity_total{result="rejected"} 14
    # HELP gatehouse_tls_handshakes_total Handshakes of clients, by how they ended.
    # TYPE gatehouse_tls_handshakes_total counter
    gatehouse_tls_handshakes_total{result="full"} 20
    gatehouse_tls_handshakes_total{result="resumed"} 30
    gatehouse_tls_handshakes_total{result="failed"} 4
    # HELP gatehouse_certificate_expiry_timestamp_seconds When a certificate stops to be good, the soonest 100.
    # TYPE gatehouse_certificate_expiry_timestamp_seconds gauge
    gatehouse_certificate_expiry_timestamp_seconds{name="acme.example"} 1800000000
    # HELP gatehouse_log_dropped_total Access records that were not written.
    # TYPE gatehouse_log_dropped_total counter
    gatehouse_log_dropped_total 5
    # HELP gatehouse_tenants Tenants configured.
    # TYPE gatehouse_tenants gauge
    gatehouse_tenants 10000
    # HELP gatehouse_metrics_folded_tenants Tenants with traffic that are summed up as _other.
    # TYPE gatehouse_metrics_folded_tenants gauge
    gatehouse_metrics_folded_tenants 3
    # HELP gatehouse_config_generation Grows by one with each configuration put into use.
    # TYPE gatehouse_config_generation gauge
    gatehouse_config_generation 6
    # HELP gatehouse_config_last_reload_successful Whether the last configuration given was put into use.
    # TYPE gatehouse_config_last_reload_successful gauge
    gatehouse_config_last_reload_successful 1
    # HELP gatehouse_config_last_reload_success_timestamp_seconds When a configuration was last put into use.
    # TYPE gatehouse_config_last_reload_success_timestamp_seconds gauge
    gatehouse_config_last_reload_success_timestamp_seconds 1795494673.5
    # HELP gatehouse_upgrades_total New binaries that took the place of the one before, or did not.
    # TYPE gatehouse_upgrades_total counter
    gatehouse_upgrades_total{result="done"} 0
    gatehouse_upgrades_total{result="failed"} 0
    # HELP gatehouse_build_info Always 1; the labels say what runs.
    # TYPE gatehouse_build_info gauge
    gatehouse_build_info{version="0.1.0",swift="6.3.1",openssl="3.0.19"} 1
    # HELP process_cpu_seconds_total User and system CPU time in seconds.
    # TYPE process_cpu_seconds_total counter
    process_cpu_seconds_total 1.25
    # HELP process_open_fds Open file descriptors.
    # TYPE process_open_fds gauge
    process_open_fds 12
    # HELP process_max_fds File descriptors that may be open.
    # TYPE process_max_fds gauge
    process_max_fds 1024
    # HELP process_virtual_memory_bytes Virtual memory in bytes.
    # TYPE process_virtual_memory_bytes gauge
    process_virtual_memory_bytes 1000
    # HELP process_resident_memory_bytes Resident memory in bytes.
    # TYPE process_resident_memory_bytes gauge
    process_resident_memory_bytes 500
    # HELP process_start_time_seconds When the process started, in seconds since 1970.
    # TYPE process_start_time_seconds gauge
    process_start_time_seconds 1795000000.0

    """

  static let openMetrics = """
    # HELP gatehouse_requests Requests answered, by the class of the status.
    # TYPE gatehouse_requests counter
    gatehouse_requests_total{tenant="acme",shard="eu-1",code="2xx"} 90
    gatehouse_requests_total{tenant="acme",shard="eu-1",code="4xx"} 5
    gatehouse_requests_total{tenant="acme",shard="eu-1",code="5xx"} 1
    gatehouse_requests_total{tenant="acme",shard="",code="4xx"} 4
    gatehouse_requests_total{tenant="_other",shard="eu-1",code="2xx"} 7
    # HELP gatehouse_request_duration_seconds From a request's first byte to the end of its answer.
    # TYPE gatehouse_request_duration_seconds histogram
    gatehouse_request_duration_seconds_bucket{tenant="acme",le="0.001"} 1
    gatehouse_request_duration_seconds_bucket{tenant="acme",le="0.0025"} 3
    gatehouse_request_duration_seconds_bucket{tenant="acme",le="0.005"} 6
    gatehouse_request_duration_seconds_bucket{tenant="acme",le="0.01"} 10
    gatehouse_request_duration_seconds_bucket{tenant="acme",le="0.025"} 10
    gatehouse_request_duration_seconds_bucket{tenant="acme",le="0.05"} 10
    gatehouse_request_duration_seconds_bucket{tenant="acme",le="0.1"} 10
    gatehouse_request_duration_seconds_bucket{tenant="acme",le="0.25"} 10
    gatehouse_request_duration_seconds_bucket{tenant="acme",le="0.5"} 10
    gatehouse_request_duration_seconds_bucket{tenant="acme",le="1.0"} 10
    gatehouse_request_duration_seconds_bucket{tenant="acme",le="2.5"} 10
    gatehouse_request_duration_seconds_bucket{tenant="acme",le="5.0"} 10
    gatehouse_request_duration_seconds_bucket{tenant="acme",le="10.0"} 10
    gatehouse_request_duration_seconds_bucket{tenant="acme",le="+Inf"} 100
    gatehouse_request_duration_seconds_sum{tenant="acme"} 12.5
    gatehouse_request_duration_seconds_count{tenant="acme"} 100
    gatehouse_request_duration_seconds_bucket{tenant="_other",le="0.001"} 0
    gatehouse_request_duration_seconds_bucket{tenant="_other",le="0.0025"} 0
    gatehouse_request_duration_seconds_bucket{tenant="_other",le="0.005"} 0
    gatehouse_request_duration_seconds_bucket{tenant="_other",le="0.01"} 0
    gatehouse_request_duration_seconds_bucket{tenant="_other",le="0.025"} 0
    gatehouse_request_duration_seconds_bucket{tenant="_other",le="0.05"} 7
    gatehouse_request_duration_seconds_bucket{tenant="_other",le="0.1"} 7
    gatehouse_request_duration_seconds_bucket{tenant="_other",le="0.25"} 7
    gatehouse_request_duration_seconds_bucket{tenant="_other",le="0.5"} 7
    gatehouse_request_duration_seconds_bucket{tenant="_other",le="1.0"} 7
    gatehouse_request_duration_seconds_bucket{tenant="_other",le="2.5"} 7
    gatehouse_request_duration_seconds_bucket{tenant="_other",le="5.0"} 7
    gatehouse_request_duration_seconds_bucket{tenant="_other",le="10.0"} 7
    gatehouse_request_duration_seconds_bucket{tenant="_other",le="+Inf"} 7
    gatehouse_request_duration_seconds_sum{tenant="_other"} 0.0
    gatehouse_request_duration_seconds_count{tenant="_other"} 7
    # HELP gatehouse_requests_in_flight Requests in flight.
    # TYPE gatehouse_requests_in_flight gauge
    gatehouse_requests_in_flight{tenant="acme"} 2
    gatehouse_requests_in_flight{tenant="_other"} 0
    # HELP gatehouse_limited Requests refused by a limit.
    # TYPE gatehouse_limited counter
    gatehouse_limited_total{tenant="acme",limit="requests"} 3
    gatehouse_limited_total{tenant="acme",limit="concurrency"} 1
    # HELP gatehouse_limit_shadow Requests that a limit in shadow mode would have refused.
    # TYPE gatehouse_limit_shadow counter
    gatehouse_limit_shadow_total{tenant="acme",limit="requests per client"} 7
    # HELP gatehouse_limit_evicted Buckets of clients or values that had to make room for others.
    # TYPE gatehouse_limit_evicted counter
    gatehouse_limit_evicted_total{tenant="acme",limit="requests per client"} 2
    # HELP gatehouse_limit_ratio How much of a limit is used; 1 is all of it.
    # TYPE gatehouse_limit_ratio gauge
    gatehouse_limit_ratio{tenant="acme",limit="requests"} 0.5
    # HELP gatehouse_bytes Bytes received from clients (in) and sent to them (out).
    # TYPE gatehouse_bytes counter
    gatehouse_bytes_total{tenant="acme",direction="in"} 1000
    gatehouse_bytes_total{tenant="acme",direction="out"} 18446744073709551615
    gatehouse_bytes_total{tenant="_other",direction="in"} 0
    gatehouse_bytes_total{tenant="_other",direction="out"} 0
    # HELP gatehouse_upstream_duration_seconds From the start of an attempt to the end of its response.
    # TYPE gatehouse_upstream_duration_seconds histogram
    gatehouse_upstream_duration_seconds_bucket{shard="eu-1",le="0.001"} 103
    gatehouse_upstream_duration_seconds_bucket{shard="eu-1",le="0.0025"} 103
    gatehouse_upstream_duration_seconds_bucket{shard="eu-1",le="0.005"} 103
    gatehouse_upstream_duration_seconds_bucket{shard="eu-1",le="0.01"} 103
    gatehouse_upstream_duration_seconds_bucket{shard="eu-1",le="0.025"} 103
    gatehouse_upstream_duration_seconds_bucket{shard="eu-1",le="0.05"} 103
    gatehouse_upstream_duration_seconds_bucket{shard="eu-1",le="0.1"} 103
    gatehouse_upstream_duration_seconds_bucket{shard="eu-1",le="0.25"} 103
    gatehouse_upstream_duration_seconds_bucket{shard="eu-1",le="0.5"} 103
    gatehouse_upstream_duration_seconds_bucket{shard="eu-1",le="1.0"} 103
    gatehouse_upstream_duration_seconds_bucket{shard="eu-1",le="2.5"} 103
    gatehouse_upstream_duration_seconds_bucket{shard="eu-1",le="5.0"} 103
    gatehouse_upstream_duration_seconds_bucket{shard="eu-1",le="10.0"} 103
    gatehouse_upstream_duration_seconds_bucket{shard="eu-1",le="+Inf"} 103
    gatehouse_upstream_duration_seconds_sum{shard="eu-1"} 0.05
    gatehouse_upstream_duration_seconds_count{shard="eu-1"} 103
    # HELP gatehouse_upstream_connections Connections to backends.
    # TYPE gatehouse_upstream_connections gauge
    gatehouse_upstream_connections{shard="eu-1",state="active"} 2
    gatehouse_upstream_connections{shard="eu-1",state="idle"} 5
    # HELP gatehouse_retries Attempts after the first of a request.
    # TYPE gatehouse_retries counter
    gatehouse_retries_total{shard="eu-1"} 1
    # HELP gatehouse_backend_up Whether the backend may be chosen.
    # TYPE gatehouse_backend_up gauge
    gatehouse_backend_up{shard="eu-1",backend="127.0.0.1:9001"} 1
    gatehouse_backend_up{shard="eu-1",backend="127.0.0.1:9002"} 0
    # HELP gatehouse_backend_draining 1 while the backend serves only those bound to it, 2 while it is told to rest.
    # TYPE gatehouse_backend_draining gauge
    gatehouse_backend_draining{shard="eu-1",backend="127.0.0.1:9001"} 0
    gatehouse_backend_draining{shard="eu-1",backend="127.0.0.1:9002"} 0
    # HELP gatehouse_backend_requests Responses of the backend, by the class of the status.
    # TYPE gatehouse_backend_requests counter
    gatehouse_backend_requests_total{shard="eu-1",backend="127.0.0.1:9001",code="1xx"} 0
    gatehouse_backend_requests_total{shard="eu-1",backend="127.0.0.1:9001",code="2xx"} 97
    gatehouse_backend_requests_total{shard="eu-1",backend="127.0.0.1:9001",code="3xx"} 0
    gatehouse_backend_requests_total{shard="eu-1",backend="127.0.0.1:9001",code="4xx"} 5
    gatehouse_backend_requests_total{shard="eu-1",backend="127.0.0.1:9001",code="5xx"} 1
    gatehouse_backend_requests_total{shard="eu-1",backend="127.0.0.1:9002",code="1xx"} 0
    gatehouse_backend_requests_total{shard="eu-1",backend="127.0.0.1:9002",code="2xx"} 0
    gatehouse_backend_requests_total{shard="eu-1",backend="127.0.0.1:9002",code="3xx"} 0
    gatehouse_backend_requests_total{shard="eu-1",backend="127.0.0.1:9002",code="4xx"} 0
    gatehouse_backend_requests_total{shard="eu-1",backend="127.0.0.1:9002",code="5xx"} 0
    # HELP gatehouse_refused Requests refused before a tenant was known.
    # TYPE gatehouse_refused counter
    gatehouse_refused_total{code="bad_request"} 8
    gatehouse_refused_total{code="tenant_unknown"} 9
    # HELP gatehouse_client_connections Connections of clients, with a request in flight or waiting for one.
    # TYPE gatehouse_client_connections gauge
    gatehouse_client_connections{state="active"} 2
    gatehouse_client_connections{state="idle"} 30
    # HELP gatehouse_hold_parked Requests held now for the moves of their tenants.
    # TYPE gatehouse_hold_parked gauge
    gatehouse_hold_parked 0
    # HELP gatehouse_held Requests that were held for the moves of their tenants.
    # TYPE gatehouse_held counter
    gatehouse_held_total 0
    # HELP gatehouse_hold_refused Requests refused for want of room to hold them, or held for too long.
    # TYPE gatehouse_hold_refused counter
    gatehouse_hold_refused_total{reason="overflow"} 0
    gatehouse_hold_refused_total{reason="timeout"} 0
    # HELP gatehouse_stale_route Answers of backends that knew a newer placement than their request told.
    # TYPE gatehouse_stale_route counter
    gatehouse_stale_route_total 0
    # HELP gatehouse_affinity What became of affinity cookies.
    # TYPE gatehouse_affinity counter
    gatehouse_affinity_total{result="bound"} 11
    gatehouse_affinity_total{result="kept"} 12
    gatehouse_affinity_total{result="rebound"} 13
    gatehouse_affinity_total{result="rejected"} 14
    # HELP gatehouse_tls_handshakes Handshakes of clients, by how they ended.
    # TYPE gatehouse_tls_handshakes counter
    gatehouse_tls_handshakes_total{result="full"} 20
    gatehouse_tls_handshakes_total{result="resumed"} 30
    gatehouse_tls_handshakes_total{result="failed"} 4
    # HELP gatehouse_certificate_expiry_timestamp_seconds When a certificate stops to be good, the soonest 100.
    # TYPE gatehouse_certificate_expiry_timestamp_seconds gauge
    gatehouse_certificate_expiry_timestamp_seconds{name="acme.example"} 1800000000
    # HELP gatehouse_log_dropped Access records that were not written.
    # TYPE gatehouse_log_dropped counter
    gatehouse_log_dropped_total 5
    # HELP gatehouse_tenants Tenants configured.
    # TYPE gatehouse_tenants gauge
    gatehouse_tenants 10000
    # HELP gatehouse_metrics_folded_tenants Tenants with traffic that are summed up as _other.
    # TYPE gatehouse_metrics_folded_tenants gauge
    gatehouse_metrics_folded_tenants 3
    # HELP gatehouse_config_generation Grows by one with each configuration put into use.
    # TYPE gatehouse_config_generation gauge
    gatehouse_config_generation 6
    # HELP gatehouse_config_last_reload_successful Whether the last configuration given was put into use.
    # TYPE gatehouse_config_last_reload_successful gauge
    gatehouse_config_last_reload_successful 1
    # HELP gatehouse_config_last_reload_success_timestamp_seconds When a configuration was last put into use.
    # TYPE gatehouse_config_last_reload_success_timestamp_seconds gauge
    gatehouse_config_last_reload_success_timestamp_seconds 1795494673.5
    # HELP gatehouse_upgrades New binaries that took the place of the one before, or did not.
    # TYPE gatehouse_upgrades counter
    gatehouse_upgrades_total{result="done"} 0
    gatehouse_upgrades_total{result="failed"} 0
    # HELP gatehouse_build_info Always 1; the labels say what runs.
    # TYPE gatehouse_build_info gauge
    gatehouse_build_info{version="0.1.0",swift="6.3.1",openssl="3.0.19"} 1
    # HELP process_cpu_seconds User and system CPU time in seconds.
    # TYPE process_cpu_seconds counter
    process_cpu_seconds_total 1.25
    # HELP process_open_fds Open file descriptors.
    # TYPE process_open_fds gauge
    process_open_fds 12
    # HELP process_max_fds File descriptors that may be open.
    # TYPE process_max_fds gauge
    process_max_fds 1024
    # HELP process_virtual_memory_bytes Virtual memory in bytes.
    # TYPE process_virtual_memory_bytes gauge
    process_virtual_memory_bytes 1000
    # HELP process_resident_memory_bytes Resident memory in bytes.
    # TYPE process_resident_memory_bytes gauge
    process_resident_memory_bytes 500
    # HELP process_start_time_seconds When the process started, in seconds since 1970.
    # TYPE process_start_time_seconds gauge
    process_start_time_seconds 1795000000.0
    # EOF

    """
}
