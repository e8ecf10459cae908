import Primitives

extension Worker where N: ~Copyable {
  /// Writes the access record of an exchange that has ended.
  @inline(never)
  mutating func record(_ exchange: UnsafeMutablePointer<Exchange>, _ duration: Int64) {
    var record = AccessRecord()
    let value = exchange.pointee
    record.time = value.wallStarted
    record.duration = duration
    if value.connected != .distantPast { record.connect = value.connected - value.attemptStarted }
    record.queued = value.queued
    if value.firstByte != .distantPast { record.firstByte = value.firstByte - value.started }
    record.bytesIn = value.bytesIn
    record.bytesOut = value.bytesOut
    record.epoch = value.shard >= 0 ? Int64(truncatingIfNeeded: value.epoch) : -1
    record.client = connections[value.client].pointee.address
    record.clientPort = connections[value.client].pointee.port
    record.status = value.status
    record.attempts = value.attempts
    record.minorVersion = value.minorVersion
    record.isHTTP2 = value.flags.contains(.isStream)
    let limit = limitName(exchange)
    withUnsafeTemporaryAllocation(of: UnsafeBufferPointer<UInt8>.self, capacity: AccessText.allCases.count) { texts in
      texts.initialize(repeating: UnsafeBufferPointer(start: nil, count: 0))
      fill(texts, value, limit)
      if !records.write(record, texts.baseAddress!) { mine[WorkerPlace.droppedRecords].add() }
    }
  }

  private func fill(
    _ texts: UnsafeMutableBufferPointer<UnsafeBufferPointer<UInt8>>, _ value: Exchange, _ limit: NameBytes?
  ) {
    func set(_ text: AccessText, _ range: ByteRange) {
      guard let memory = value.kept.memory, range.count > 0 else { return }
      texts[Int(text.rawValue)] = UnsafeBufferPointer(start: memory + Int(range.start), count: range.count)
    }
    func set(_ text: AccessText, _ literal: StaticString) {
      texts[Int(text.rawValue)] = UnsafeBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount)
    }
    set(.requestID, value.texts.requestID)
    set(.tenant, value.texts.tenant)
    set(.plan, value.texts.plan)
    set(.shard, value.texts.shard)
    set(.method, value.texts.method)
    set(.host, value.texts.host)
    set(.path, value.texts.path)
    set(.userAgent, value.texts.userAgent)
    set(.referer, value.texts.referer)
    if value.code != .none { set(.code, value.code.name) }
    if let limit {
      texts[Int(AccessText.limit.rawValue)] = UnsafeBufferPointer(start: limit.bytes, count: limit.count)
    }
    if let source = value.source.text { set(.tenantSource, source) }
    if let affinity = value.affinity.text { set(.affinity, affinity) }
    let backend = value.backend >= 0 ? value.backend : value.tried.0
    if backend >= 0, value.attempts > 0 {
      let place = loadOfBackend[Int(backend)]
      guard place >= 0 else { return }
      let name = view.backends[Int(place)].name
      texts[Int(AccessText.backend.rawValue)] = UnsafeBufferPointer(start: name.bytes, count: name.count)
    }
  }

  /// Writes the record of a request that never became an exchange.
  mutating func recordUnread(_ slot: Int32, _ code: RefusalCode, received: Int) {
    guard view.keepsRecords else { return }
    var exchange = Exchange(client: slot, started: connections[slot].pointee.headStarted)
    let duration = network.now - exchange.started
    exchange.wallStarted = network.wallClock() - duration
    exchange.code = code
    exchange.status = code.status
    exchange.bytesIn = UInt64(received)
    withUnsafeMutablePointer(to: &exchange) { record($0, duration) }
  }
}

extension AffinityResult {
  /// The result as the access log says it.
  var text: StaticString? {
    switch self {
    case .none: nil
    case .bound: "bound"
    case .kept: "kept"
    case .rebound: "rebound"
    case .rejected: "rejected"
    }
  }
}
