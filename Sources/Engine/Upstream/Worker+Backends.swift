import Balancing
import HTTP
import Primitives
import Synchronization
import Tenancy

extension Worker where N: ~Copyable {
  /// Takes over the backends of a new image: what is known of a backend's load is kept.
  mutating func adoptBackends() {
    let next = UnsafeMutablePointer<BackendLoad>.allocate(capacity: max(1, view.backendCount))
    for place in 0..<view.backendCount {
      let entry = view.backends[place]
      learn(entry.number)
      let known = loadOfBackend[Int(entry.number)]
      next[place] = known >= 0 ? loads[Int(known)] : BackendLoad(weight: Int(entry.weight))
      next[place].weight = entry.weight
      if known < 0 { next[place].stagger(random: &random) }
    }
    for number in 0..<Int(knownBackends) { loadOfBackend[number] = -1 }
    for place in 0..<view.backendCount { loadOfBackend[Int(view.backends[place].number)] = Int32(place) }
    loads.deallocate()
    loads = next
    rosterVersion = 0
    refreshLoads()
    for number in 0..<knownBackends where loadOfBackend[Int(number)] < 0 { emptyPool(number) }
  }

  /// Makes room for a backend's number in the tables, and its counters.
  private mutating func learn(_ number: Int32) {
    while knownBackends <= number {
      loadOfBackend[Int(knownBackends)] = -1
      poolHeads[Int(knownBackends)] = -1
      poolCounts[Int(knownBackends)] = 0
      knownBackends += 1
    }
    _ = counters.row(ofBackend: number)
  }

  /// Follows the roster's word on which backends are up.
  mutating func refreshLoads() {
    if process.roster.nextReturn.load(ordering: .relaxed) <= network.now.nanoseconds {
      process.roster.readmit(at: network.now)
    }
    let version = process.roster.version.load(ordering: .acquiring)
    guard version != rosterVersion else { return }
    rosterVersion = version
    for place in 0..<view.backendCount {
      let status = process.roster.statuses + Int(view.backends[place].number)
      loads[place].isUp = status.pointee.isUp.load(ordering: .acquiring)
      loads[place].recoveredAt = Instant(nanoseconds: status.pointee.recoveredAt.load(ordering: .relaxed))
    }
  }

  /// The entry of a shard by its number; `nil` when the image has it no more, or for -1.
  @inline(__always)
  mutating func shardEntry(_ number: Int32) -> UnsafeMutablePointer<ShardEntry>? {
    guard number >= 0 else { return nil }
    let place = view.placeOfShard[Int(number)]
    return place < 0 ? nil : view.shards + Int(place)
  }

  /// Honours the request's affinity cookie, if its shard has one: leaves the backend in the exchange, or -1.
  mutating func chooseBackend(_ id: Int32, _ base: UnsafePointer<UInt8>, _ head: RequestHead) {
    let exchange = exchanges[id]
    refreshLoads()
    guard let shard = shardEntry(exchange.pointee.shard), shard.pointee.cookie.count > 0 else { return }
    let result = readCookie(exchange, shard, base, head)
    exchange.pointee.affinity = result
    if result != .kept { exchange.pointee.flags.insert(.setsCookie) }
  }

  private mutating func readCookie(
    _ exchange: UnsafeMutablePointer<Exchange>, _ shard: UnsafeMutablePointer<ShardEntry>,
    _ base: UnsafePointer<UInt8>, _ head: RequestHead
  ) -> AffinityResult {
    guard head.seen.contains(.cookie) else { return .bound }
    let name = shard.pointee.cookie
    for index in 0..<head.fieldCount where parser.fields[index].id == .cookie && !parser.fields[index].hasUnderscore {
      let value = CookieField.find(base, parser.fields[index].value, name: name.bytes, name.count)
      guard value.count > 0 else { continue }
      let tenant = exchange.pointee.tenant
      let reading = AffinityCookie.read(
        process.affinityKey, base + Int(value.start), value.count,
        tenant: view.directory._withUnsafeGuaranteedRef { $0.idBytes(of: tenant) }, shard: shard.pointee.hash,
        epoch: exchange.pointee.epoch, now: network.wallClock() / .second)
      guard case .good(let backend, _) = reading else { return .rejected }
      let first = Int(shard.pointee.firstBackend)
      for place in first..<first + Int(shard.pointee.backendCount) where view.backends[place].key == backend {
        guard loads[place].isUp || process.roster.servesBound(view.backends[place].number, at: network.now) else {
          return .rebound
        }
        exchange.pointee.backend = view.backends[place].number
        return .kept
      }
      return .rebound
    }
    return .bound
  }

  /// Picks a backend of the exchange's shard that has not been tried; -1 when there is none.
  mutating func pickBackend(_ exchange: UnsafeMutablePointer<Exchange>) -> Int32 {
    refreshLoads()
    guard let shard = shardEntry(exchange.pointee.shard) else { return -1 }
    let first = shard.pointee.firstBackend
    func place(_ number: Int32) -> Int32 {
      guard number >= 0 else { return -1 }
      let place = loadOfBackend[Int(number)] - first
      return place >= 0 && place < shard.pointee.backendCount ? place : -1
    }
    let trial = trialBackend(shard, exchange)
    if trial >= 0 { return trial }
    let choice = BackendChoice.choose(
      shard.pointee.balance, loads + Int(first), Int(shard.pointee.backendCount),
      avoiding: (place(exchange.pointee.tried.0), place(exchange.pointee.tried.1)), now: network.now, random: &random)
    return choice < 0 ? -1 : view.backends[Int(first + choice)].number
  }

  /// A backend without active checks that is down and whose turn has come to be tried with one request; -1 when there
  /// is none.
  mutating func trialBackend(
    _ shard: UnsafeMutablePointer<ShardEntry>, _ exchange: UnsafeMutablePointer<Exchange>
  ) -> Int32 {
    let first = Int(shard.pointee.firstBackend)
    for place in first..<first + Int(shard.pointee.backendCount) where !loads[place].isUp {
      let number = view.backends[place].number
      guard number != exchange.pointee.tried.0, number != exchange.pointee.tried.1 else { continue }
      if process.roster.takeTrial(number, at: network.now) { return number }
    }
    return -1
  }

  /// Counts the exchange in the load of its backend.
  @inline(__always)
  mutating func startLoad(_ exchange: UnsafeMutablePointer<Exchange>) {
    let place = loadOfBackend[Int(exchange.pointee.backend)]
    guard place >= 0 else { return }
    loads[Int(place)].start(at: network.now)
    exchange.pointee.flags.insert(.isLoading)
  }

  /// Counts the exchange out of the load of its backend.
  @inline(__always)
  mutating func endLoad(_ exchange: UnsafeMutablePointer<Exchange>) {
    guard exchange.pointee.flags.contains(.isLoading) else { return }
    exchange.pointee.flags.remove(.isLoading)
    let place = loadOfBackend[Int(exchange.pointee.backend)]
    // A backend that was taken out and put back meanwhile starts with no load.
    guard place >= 0, loads[Int(place)].inFlight > 0 else { return }
    // Until the first byte: how long a download or a tunnel takes says nothing of the backend, nor does a failure.
    let isAnswer = exchange.pointee.firstByte > exchange.pointee.attemptStarted
    let latency = isAnswer ? exchange.pointee.firstByte - exchange.pointee.attemptStarted : -1
    loads[Int(place)].finish(latency: latency, at: network.now)
  }
}
