public import Primitives

/// The requests that wait for the slots of one saturated shard: which of them is next.
///
/// Start-time fair queueing (Goyal, Vin, Cheng 1996) over tenants: each tenant's waiting requests are a line, each line has
/// a virtual time at which its next request starts, and the earliest is served; a served request moves its line on by what
/// it is likely to cost, divided by the tenant's weight. So shares of the shard's time go by weight however many requests
/// a tenant sends and however long they take, and a tenant that takes less than its share is served almost at once.
/// It does what deficit round robin does without rounds, which a request 40 times dearer than others would need 40 of.
///
/// A pure machine: time is an argument, the owner of the slots answers questions. Not for several threads at once.
public struct FairQueue: ~Copyable {
  /// Tenants whose virtual time is remembered though none of their requests waits.
  static let mostRemembered = 4_096
  /// Nanoseconds of an empty queue after which nobody is held to what they had before.
  static let memory: Int64 = .second
  /// Waiting requests of one tenant that are looked at for one whose backend has a slot free.
  static let looksAhead = 8
  /// Of so many served in a row one may be of a lower class than others that wait.
  static let agedOneIn = 8
  /// Units of virtual time a nanosecond: the largest weight still moves time by one.
  static let scale: Int64 = 1_024

  /// A waiting request and its neighbours.
  struct Place {
    var waiter: Waiter
    var line: Int32
    var generation: UInt32 = 1
    /// In its line, the oldest first.
    var next: Int32 = -1
    var previous: Int32 = -1
    /// Among all that wait, the oldest first. Of a free place: the next free one.
    var younger: Int32 = -1
    var older: Int32 = -1
  }

  /// How much may wait, and how long.
  public var rules: QueueRules
  /// Requests that wait.
  public private(set) var count = 0
  private(set) var places: [Place] = []
  private var firstFree: Int32 = -1
  private(set) var oldest: Int32 = -1
  private var youngest: Int32 = -1
  var lines: [QueueLine] = []
  private var freeLines: [Int32] = []
  private(set) var lineOfTenant: [TenantIndex: Int32] = [:]
  /// Lines that may be served, by class and virtual time: a heap.
  var heap: [Int32] = []
  /// Lines that may not be served for now.
  var aside: [Int32] = []
  /// Lines of tenants that are owed a part of the shard.
  private(set) var owed: [Int32] = []
  /// The start of the request served last.
  var virtual: Int64 = 0
  /// Requests served since one was for its age.
  var servedInOrder = 0
  /// How far tenants were that have none waiting.
  private var remembered: [TenantIndex: Int64] = [:]
  private var emptySince = Instant.distantPast
  private(set) var looked = Instant.distantPast

  /// An empty queue.
  public init(_ rules: QueueRules) {
    self.rules = rules
    remembered.reserveCapacity(FairQueue.mostRemembered)
  }

  // MARK: Entering and leaving

  /// Puts a request in. Its ticket is `.none` when there is no room for it; `shed` had to make room for it.
  public mutating func enter(_ waiter: Waiter, _ terms: SchedulingTerms) -> (ticket: QueueTicket, shed: Waiter?) {
    var shed: Waiter?
    if count >= rules.bound {
      let victim = longestLine(against: waiter.tenant, terms)
      guard victim >= 0 else { return (.none, nil) }
      shed = remove(lines[Int(victim)].last, at: waiter.arrived)
    }
    if count == 0, waiter.arrived - emptySince > FairQueue.memory { remembered.removeAll(keepingCapacity: true) }
    let line = line(of: waiter.tenant, terms)
    let place = takePlace(Place(waiter: waiter, line: line))
    let ticket = QueueTicket(slot: place, generation: places[Int(place)].generation)
    places[Int(place)].waiter.ticket = ticket
    link(place)
    count += 1
    return (ticket, shed)
  }

  /// Takes a request out that will not be served; false when it has left already.
  public mutating func leave(_ ticket: QueueTicket, at now: Instant) -> Bool {
    guard holds(ticket) else { return false }
    _ = remove(ticket.slot, at: now)
    return true
  }

  /// Whether a request still waits.
  public func holds(_ ticket: QueueTicket) -> Bool {
    guard ticket != .none, ticket.slot >= 0, Int(ticket.slot) < places.count else { return false }
    return places[Int(ticket.slot)].generation == ticket.generation && places[Int(ticket.slot)].line >= 0
  }

  /// Requests of `tenant` that wait.
  public func count(of tenant: TenantIndex) -> Int { lineOfTenant[tenant].map { Int(lines[Int($0)].count) } ?? 0 }

  /// The line that gives up its newest request when there is no room: of the lowest class, and there the longest for its
  /// weight. -1 when that would be the newcomer's own.
  private func longestLine(against newcomer: TenantIndex, _ terms: SchedulingTerms) -> Int32 {
    var best: Int32 = -1
    var bestClass = terms.criticality
    var bestLength = Int64(count(of: newcomer) + 1) * FairQueue.scale / Int64(terms.weight)
    for line in lineOfTenant.values {
      let length = Int64(lines[Int(line)].count) * FairQueue.scale / Int64(lines[Int(line)].terms.weight)
      let rank = lines[Int(line)].terms.criticality
      guard lines[Int(line)].tenant != newcomer, rank.rawValue >= bestClass.rawValue else { continue }
      if rank.rawValue > bestClass.rawValue || length > bestLength
        || (length == bestLength && best >= 0 && lines[Int(line)].tenant < lines[Int(best)].tenant)
      {
        (best, bestClass, bestLength) = (line, rank, length)
      }
    }
    return best
  }

  // MARK: Lines

  private mutating func line(of tenant: TenantIndex, _ terms: SchedulingTerms) -> Int32 {
    if let known = lineOfTenant[tenant] {
      setTerms(known, terms)
      return known
    }
    let start = max(virtual, remembered.removeValue(forKey: tenant) ?? virtual)
    let fresh = QueueLine(tenant: tenant, terms: terms, start: start)
    let line: Int32
    if let free = freeLines.popLast() {
      line = free
      lines[Int(free)] = fresh
    } else {
      line = Int32(lines.count)
      lines.append(fresh)
    }
    lineOfTenant[tenant] = line
    if terms.least > 0 { owed.append(line) }
    heapInsert(line)
    return line
  }

  private mutating func setTerms(_ line: Int32, _ terms: SchedulingTerms) {
    let known = lines[Int(line)].terms
    guard known != terms else { return }
    lines[Int(line)].terms = terms
    if known.least == 0, terms.least > 0 { owed.append(line) }
    if known.least > 0, terms.least == 0 { owed.removeAll { $0 == line } }
    if lines[Int(line)].heapPlace >= 0 {
      heapRemove(line)
      heapInsert(line)
    }
  }

  private mutating func endLine(_ line: Int32) {
    let ended = lines[Int(line)]
    if ended.heapPlace >= 0 { heapRemove(line) } else { aside.removeAll { $0 == line } }
    if ended.terms.least > 0 { owed.removeAll { $0 == line } }
    if ended.start > virtual { remember(ended.tenant, ended.start) }
    lineOfTenant[ended.tenant] = nil
    freeLines.append(line)
  }

  private mutating func remember(_ tenant: TenantIndex, _ start: Int64) {
    if remembered.count >= FairQueue.mostRemembered {
      let virtual = self.virtual
      remembered = remembered.filter { $0.value > virtual }
      // All of them ahead: whoever is forgotten is a little better off.
      if remembered.count >= FairQueue.mostRemembered { remembered.removeAll(keepingCapacity: true) }
    }
    remembered[tenant] = start
  }

  // MARK: Places

  private mutating func takePlace(_ place: Place) -> Int32 {
    guard firstFree >= 0 else {
      places.append(place)
      return Int32(places.count - 1)
    }
    let slot = firstFree
    firstFree = places[Int(slot)].younger
    let generation = places[Int(slot)].generation
    places[Int(slot)] = place
    places[Int(slot)].generation = generation
    return slot
  }

  private mutating func link(_ place: Int32) {
    let line = Int(places[Int(place)].line)
    places[Int(place)].previous = lines[line].last
    if lines[line].last >= 0 { places[Int(lines[line].last)].next = place } else { lines[line].first = place }
    lines[line].last = place
    lines[line].count += 1
    places[Int(place)].older = youngest
    if youngest >= 0 { places[Int(youngest)].younger = place } else { oldest = place }
    youngest = place
  }

  /// Takes the request in `place` out.
  mutating func remove(_ place: Int32, at now: Instant) -> Waiter {
    let removed = places[Int(place)]
    let line = Int(removed.line)
    if removed.previous >= 0 {
      places[Int(removed.previous)].next = removed.next
    } else {
      lines[line].first = removed.next
    }
    if removed.next >= 0 {
      places[Int(removed.next)].previous = removed.previous
    } else {
      lines[line].last = removed.previous
    }
    if removed.older >= 0 { places[Int(removed.older)].younger = removed.younger } else { oldest = removed.younger }
    if removed.younger >= 0 { places[Int(removed.younger)].older = removed.older } else { youngest = removed.older }
    places[Int(place)].line = -1
    places[Int(place)].generation &+= 1
    places[Int(place)].younger = firstFree
    firstFree = place
    count -= 1
    lines[line].count -= 1
    if lines[line].count == 0 { endLine(removed.line) }
    if count == 0 { emptySince = now }
    return removed.waiter
  }

  /// Notes when all lines were last looked at again.
  mutating func noteLook(at now: Instant) { looked = now }
}
