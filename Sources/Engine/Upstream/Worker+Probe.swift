import Balancing
import HTTP
import Primitives
import Synchronization

/// When a backend is checked next, and how.
struct ProbeSchedule {
  /// The backend's number in the roster.
  var backend: Int32
  /// What is asked.
  var question: HealthCheck.Question
  /// The request, head and all; empty where connecting is all.
  var request: [UInt8]
  var interval: Int64
  var timeout: Int64
  var due: Instant
  /// Whether the backend is asked in HTTP/2.
  var speaksHTTP2: Bool
  /// What goes before it: that the connection speaks for nobody but us. Empty where nothing does.
  var announcement: [UInt8]
  /// The connection of a check under way, -1 when there is none.
  var connection: Int32 = -1
}

extension Worker where N: ~Copyable {
  /// Plans the health checks of the image; only worker 0 makes them.
  mutating func scheduleProbes() {
    guard number == 0 else { return }
    for probe in probes where probe.connection >= 0 { closeConnection(probe.connection, resetting: true) }
    probes.removeAll()
    for (place, shard) in image.blueprint.shards.enumerated() {
      guard let check = shard.health else { continue }
      let first = Int(view.shards[place].firstBackend)
      for (offset, backend) in shard.backends.enumerated() {
        // Spread over the interval, so that backends are not all asked at the same moment; the first round comes soon.
        let spread = Int64(random.below(Int(max(1, min(check.interval, .second) / 2))))
        probes.append(
          ProbeSchedule(
            backend: view.backends[first + offset].number, question: check.question,
            request: Self.request(check, backend, shard),
            interval: check.interval, timeout: check.timeout, due: network.now.advanced(by: spread),
            speaksHTTP2: shard.speaksHTTP2, announcement: Self.announcement(shard.announcement)))
      }
    }
    planNextProbe()
  }

  private static func request(_ check: HealthCheck, _ backend: Backend, _ shard: Shard) -> [UInt8] {
    let host = backend.name.hasPrefix("unix:") ? "localhost" : backend.name
    let fields = "Host: \(host)\r\nUser-Agent: gatehouse-health\r\n"
    let isSecure = shard.tls != nil
    switch check.question {
    case .http(let method, let path):
      let head = Array("\(method) \(path) HTTP/1.1\r\n\(fields)Connection: close\r\n\r\n".utf8)
      return shard.speaksHTTP2 ? ProbeFrames.request(head, isSecure: isSecure) : head
    case .grpc(let service):
      let head = "POST /grpc.health.v1.Health/Check HTTP/1.1\r\n\(fields)Content-Type: application/grpc\r\n\r\n"
      return ProbeFrames.request(Array(head.utf8), body: ProbeCall.message(service), isSecure: isSecure)
    case .tcp: return []
    }
  }

  private mutating func planNextProbe() {
    nextProbe = .distantFuture
    guard !isDraining else { return }
    for probe in probes where probe.connection < 0 { nextProbe = min(nextProbe, probe.due) }
  }

  /// Starts the checks that are due.
  mutating func startProbes() {
    for place in probes.indices where probes[place].connection < 0 && probes[place].due <= network.now {
      startProbe(place)
    }
    planNextProbe()
  }

  private mutating func startProbe(_ place: Int) {
    probes[place].due = network.now.advanced(by: probes[place].interval)
    let slot = connections.insert(Connection(socket: -1, role: .probe, phase: .connecting))
    guard slot >= 0 else { return }
    connections[slot].pointee.backend = probes[place].backend
    let (backend, token) = (probes[place].backend, connections.handle(slot))
    let outcome =
      probes[place].announcement.isEmpty
      ? network.connect(to: backend, token: token)
      : probes[place].announcement.withUnsafeBufferPointer { network.connect(to: backend, token: token, saying: $0) }
    switch outcome {
    case .opened(let socket):
      connections[slot].pointee.socket = socket
      probes[place].connection = slot
      setDeadline(slot, network.now.advanced(by: probes[place].timeout))
    case .exhausted: connections.remove(slot)
    case .none, .failed:
      connections.remove(slot)
      noteCheck(probes[place].backend, succeeded: false)
    }
  }

  /// Something happened to a check's connection.
  mutating func probeEvent(_ slot: Int32, _ kinds: NetworkEventKinds) {
    let connection = connections[slot]
    if connection.pointee.phase == .connecting {
      guard !kinds.isDisjoint(with: [.writable, .broken]) else { return }
      let socket = connection.pointee.socket
      guard network.isConnected(socket), let probe = probes.first(where: { $0.connection == slot }) else {
        return endProbe(slot, succeeded: false)
      }
      connection.pointee.phase = .head
      if probe.speaksHTTP2, network.isSecure(socket), !network.hasAgreedOnHTTP2(socket) {
        return endProbe(slot, succeeded: false)
      }
      if probe.question == .tcp { return endProbe(slot, succeeded: true) }
      guard probe.request.withUnsafeBufferPointer({ send(slot, $0.baseAddress!, $0.count) }) else {
        return endProbe(slot, succeeded: false)
      }
    }
    while connection.pointee.socket >= 0, connection.pointee.flags.contains(.readable) { readProbe(slot) }
  }

  private mutating func readProbe(_ slot: Int32) {
    let connection = connections[slot]
    let count = receive(slot, scratch + Limit.headroom, Limit.headRead)
    if count == 0 { return }
    guard count > 0, buffers.append(scratch + Limit.headroom, count, to: &connection.pointee.input) else {
      return endProbe(slot, succeeded: false)
    }
    let input = connection.pointee.input
    let probe = probes.first { $0.connection == slot }
    if case .grpc? = probe?.question {
      guard let isServing = ProbeFrames.isServing(input, &headText) else { return }
      return endProbe(slot, succeeded: isServing)
    }
    if probe?.speaksHTTP2 == true {
      guard let status = ProbeFrames.status(input, &headText) else { return }
      return endProbe(slot, succeeded: (200..<400).contains(status))
    }
    let outcome = parser.parseResponse(
      input.first, input.count, sizeBound: view.bounds.headerSize, countBound: view.bounds.headerCount, toHead: false)
    if outcome == .incomplete { return }
    let status = outcome == .complete ? parser.response.status : 0
    if status >= 100, status < 200 { return endProbe(slot, succeeded: false) }
    endProbe(slot, succeeded: (200..<400).contains(status))
  }

  /// A check has come to its end.
  mutating func endProbe(_ slot: Int32, succeeded: Bool) {
    let backend = connections[slot].pointee.backend
    closeConnection(slot, resetting: true)
    if let place = probes.firstIndex(where: { $0.connection == slot }) { probes[place].connection = -1 }
    noteCheck(backend, succeeded: succeeded)
    planNextProbe()
  }

  private mutating func noteCheck(_ backend: Int32, succeeded: Bool) {
    let now = network.now
    let change = process.roster.note(backend, at: now) {
      succeeded ? $0.checkSucceeded(at: now) : $0.checkFailed(at: now)
    }
    if change == .wentDown { reconsiderEjections(besides: backend) }
  }
}
