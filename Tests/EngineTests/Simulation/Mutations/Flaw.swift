import Primitives
import Tenancy

@testable import Engine
@testable import HTTP

/// What may be wrong with the engine on purpose: each law's checker must find the flaws it is for.
enum Flaw: CaseIterable {
  // Each exchange ends exactly once.
  case endsTwice, endsInSilence
  // No byte crosses tenants.
  case swapsHosts, swapsBackends
  // Admitted is at most burst + rate x time.
  case ignoresRates, refillsOnReload
  // Concurrency stays in its bound and returns to zero.
  case ignoresConcurrency, forgetsToLeave
  // Nothing that may have acted is sent again.
  case repeatsUnsafe, repeatsAnswered, repeatsWithoutEnd
  // Buffers are bounded.
  case hoards
  // Nothing is left open at rest.
  case forgetsSockets, forgetsDeadlines, forgetsBuffers, forgetsExchanges
  // What was broken off is never shown as complete.
  case takesResetsForEnds
  // A request is placed by one configuration, and brought back by its cookie.
  case mixesPlacements, connectsAnywhere
  // Reloads drop nothing, drains lose nothing and end.
  case dropsOnReload, cutsDrain, forgetsDrain
  // Connections that wait are not dropped with their listener.
  case dropsWaiting
  // A shard is given as many requests as it has slots, and slots come back.
  case forgetsSlots, passesQueue
  // A tenant that is moved is nowhere twice, and what is held of it is bounded and in order.
  case forgetsUnderWay, passesHold, releasesEarly, overfillsHold, shufflesHold
  // Streams keep to their windows, are not mixed up, and are sent again only when nobody has looked at them.
  case exceedsWindows, exceedsBackendWindows, swapsStreams, repeatsStreams

  /// What the checker it is for says of it.
  var finding: String {
    switch self {
    case .endsTwice: "ended twice"
    case .endsInSilence: "never ended"
    case .swapsHosts: "came to a backend as"
    case .swapsBackends: "bytes that are not those of request"
    case .ignoresRates, .refillsOnReload: "was admitted"
    case .ignoresConcurrency: "requests in flight of"
    case .forgetsToLeave: "requests in flight at rest"
    case .repeatsUnsafe: "which may have acted, was sent again"
    case .repeatsAnswered: "was sent again after its answer began"
    case .repeatsWithoutEnd: "was sent 4 times"
    case .hoards: "holds"
    case .forgetsSockets: " sockets"
    case .forgetsDeadlines: " connections"
    case .forgetsBuffers: " lent bytes"
    case .forgetsExchanges: " exchanges"
    case .takesResetsForEnds: "was broken off and shown as complete"
    case .mixesPlacements: "was placed at"
    case .connectsAnywhere: "bound to backend"
    case .dropsOnReload: "its connection ended without an answer"
    case .cutsDrain: "its connection ended without an answer"
    case .forgetsDrain: "workers run on after the drain"
    case .dropsWaiting: "were dropped with their listener"
    case .forgetsSlots: "slots are taken at rest"
    case .passesQueue: "without a slot"
    case .forgetsUnderWay, .releasesEarly: "was under way at the cutover"
    case .passesHold: "though all of tenant"
    case .overfillsHold: "are held, of"
    case .shufflesHold: "which came before it"
    case .exceedsWindows, .exceedsBackendWindows: "beyond the window of stream"
    case .swapsStreams: "bytes that are not those of request"
    case .repeatsStreams: "which may have acted, was sent again"
    }
  }

  /// A world in which it can show.
  func scenario(_ seed: UInt64) -> Scenario {
    let climate: UInt64 =
      switch self {
      case .ignoresRates, .refillsOnReload, .ignoresConcurrency: 1
      case .repeatsUnsafe, .repeatsAnswered, .takesResetsForEnds: 2
      default: 0
      }
    switch self {
    case .hoards: return Scenario.longBodies(seed: seed, isTransparent: false)
    case .repeatsWithoutEnd: return Scenario.unansweredForEver(seed: seed)
    case .dropsWaiting: return Scenario.comingAndGoing(seed: seed)
    case .dropsOnReload, .refillsOnReload, .mixesPlacements:
      return Scenario.reloaded(seed: seed &* 4 &+ climate)
    case .cutsDrain, .forgetsDrain: return Scenario.drained(seed: seed)
    case .exceedsWindows, .exceedsBackendWindows, .swapsStreams: return Scenario.streams(seed: seed)
    case .repeatsStreams: return Scenario.streams(seed: seed, climate: .faulty)
    case .forgetsSlots, .passesQueue: return Scenario.saturated(seed: seed)
    case .forgetsUnderWay, .passesHold, .releasesEarly, .overfillsHold: return Scenario.moved(seed: seed)
    case .shufflesHold:
      return Scenario.moved(seed: seed).changed { scenario in
        for place in scenario.moves.indices { scenario.moves[place].requests = 1_000 }
      }
    default: return Scenario(seed: seed &* 4 &+ climate, edition: 2).changed { $0.reloads = [] }
    }
  }

  /// Gives the engine a wrong configuration.
  func spoil(_ blueprint: inout Blueprint, _ configuration: Configuration, previous: Configuration?) {
    var wrong = configuration
    switch self {
    case .swapsHosts:
      wrong.tenants[0].host = configuration.tenants[1].host
      wrong.tenants[1].host = configuration.tenants[0].host
    case .ignoresRates: for number in wrong.tenants.indices { wrong.tenants[number].bucket = nil }
    case .ignoresConcurrency: for number in wrong.tenants.indices { wrong.tenants[number].concurrency = 0 }
    case .mixesPlacements:
      guard let previous else { return }
      for number in wrong.tenants.indices { wrong.tenants[number].home = previous.tenants[number].home }
    default: return
    }
    blueprint.tenants = EngineBlueprint.directory(wrong)
  }

  /// Spoils what a worker knows, after a turn of it; returns whether it did.
  func strike(_ plant: EnginePlant, _ box: EnginePlant.Box) -> Bool {
    let exchanges = box.exchanges
    switch self {
    case .swapsBackends: return swapBackends(box, exchanges)
    case .forgetsDeadlines: return forgetDeadlines(box)
    case .repeatsWithoutEnd:
      for id in exchanges { box.worker.exchanges[id].pointee.attempts = 1 }
      return false
    case .hoards:
      for id in exchanges { hoard(box, id) }
      return false
    case .dropsOnReload:
      guard box.hasAdopted else { return false }
      for id in exchanges {
        let client = box.worker.exchanges[id].pointee.client
        box.worker.abandonClient(client)
      }
      return !exchanges.isEmpty
    case .repeatsUnsafe, .repeatsAnswered, .repeatsStreams:
      for id in exchanges { spoil(box, id) }
      return false
    case .exceedsWindows, .exceedsBackendWindows, .swapsStreams: return strikeStreams(box)
    case .forgetsUnderWay, .passesHold, .releasesEarly, .overfillsHold, .shufflesHold:
      strikeHolds(box, exchanges)
      return false
    case .forgetsSlots:
      guard let id = exchanges.first(where: { box.worker.exchanges[$0].pointee.flags.contains(.holdsSlot) }) else {
        return false
      }
      box.worker.exchanges[id].pointee.flags.remove(.holdsSlot)
      box.worker.exchanges[id].pointee.phase = .tunnel
      return true
    case .passesQueue:
      guard let id = exchanges.first(where: { box.worker.exchanges[$0].pointee.phase == .queued }) else { return false }
      box.worker.exchanges[id].pointee.phase = .admitting
      box.worker.openUpstream(id)
      return true
    default:
      guard let id = exchanges.first(where: { box.worker.exchanges[$0].pointee.status == 200 }) else { return false }
      return spoil(box, id)
    }
  }

  /// Spoils an exchange in flight.
  @discardableResult
  private func spoil(_ box: EnginePlant.Box, _ id: Int32) -> Bool {
    let exchange = box.worker.exchanges[id]
    switch self {
    case .endsTwice: box.worker.record(exchange, 0)
    case .endsInSilence: exchange.pointee.wallStarted = 0
    case .forgetsToLeave: exchange.pointee.flags.remove(.isCounted)
    case .forgetsBuffers: exchange.pointee.kept = Buffer()
    case .forgetsExchanges:
      let copy = exchange.pointee
      _ = box.worker.exchanges.insert(copy)
    case .repeatsUnsafe, .repeatsStreams: exchange.pointee.flags.insert(.isReplayable)
    case .repeatsAnswered:
      exchange.pointee.flags.remove(.isAnswered)
      exchange.pointee.flags.insert(.isReplayable)
    default: return false
    }
    return true
  }

  /// Joins two requests under way to each other's backend.
  private func swapBackends(_ box: EnginePlant.Box, _ exchanges: [Int32]) -> Bool {
    let waiting = exchanges.filter {
      let exchange = box.worker.exchanges[$0]
      return exchange.pointee.phase == .sending && exchange.pointee.upstream >= 0
        && exchange.pointee.flags.contains(.isRequestComplete)
    }
    guard waiting.count > 1 else { return false }
    let (one, other) = (box.worker.exchanges[waiting[0]], box.worker.exchanges[waiting[1]])
    swap(&one.pointee.upstream, &other.pointee.upstream)
    box.worker.connections[one.pointee.upstream].pointee.exchange = waiting[0]
    box.worker.connections[other.pointee.upstream].pointee.exchange = waiting[1]
    return true
  }

  /// Takes the deadlines of clients that wait between requests away.
  private func forgetDeadlines(_ box: EnginePlant.Box) -> Bool {
    var idle: [Int32] = []
    box.worker.connections.forEachSlot { idle.append($0) }
    for slot in idle where box.worker.connections[slot].pointee.phase == .idle {
      let connections = box.worker.connections.base
      box.worker.timers.remove(slot, in: connections)
    }
    return false
  }

  /// Lets the source of what waits go on all the same.
  private func hoard(_ box: EnginePlant.Box, _ id: Int32) {
    let exchange = box.worker.exchanges[id]
    for slot in [exchange.pointee.client, exchange.pointee.upstream] where slot >= 0 {
      let connection = box.worker.connections[slot]
      guard connection.pointee.output.isAllocated else { continue }
      box.worker.buffers.giveBack(&connection.pointee.output)
      for other in [exchange.pointee.client, exchange.pointee.upstream] where other >= 0 && other != slot {
        box.worker.makeReady(other)
      }
    }
  }
}
