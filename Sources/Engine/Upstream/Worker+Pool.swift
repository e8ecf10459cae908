import Primitives
import Tenancy

extension Worker where N: ~Copyable {
  /// Takes the most recently used idle connection to a backend, -1 when there is none.
  mutating func takePooled(_ backend: Int32) -> Int32 {
    let slot = poolHeads[Int(backend)]
    guard slot >= 0 else { return -1 }
    unlinkPooled(slot)
    return slot
  }

  /// Takes the most recently used idle connection to a backend that may carry requests of a tenant, -1 when there is none.
  @inline(__always)
  mutating func takePooled(_ backend: Int32, for tenant: TenantIndex) -> Int32 {
    if view.hasDedicatedPools, isDedicated(backend) { return takeOwn(backend, tenant) }
    return takePooled(backend)
  }

  /// Whether a connection to a backend carries requests of one tenant only.
  @inline(never)
  mutating func isDedicated(_ backend: Int32) -> Bool {
    let place = loadOfBackend[Int(backend)]
    return place >= 0 && view.backends[Int(place)].isDedicated
  }

  @inline(never)
  private mutating func takeOwn(_ backend: Int32, _ tenant: TenantIndex) -> Int32 {
    var slot = poolHeads[Int(backend)]
    var looks = 0
    while slot >= 0, looks < Limit.poolLooks {
      if connections[slot].pointee.tenant == tenant {
        unlinkPooled(slot)
        return slot
      }
      slot = connections[slot].pointee.poolNext
      looks += 1
    }
    return -1
  }

  /// Takes a connection out of its pool.
  mutating func unlinkPooled(_ slot: Int32) {
    let connection = connections[slot]
    let backend = Int(connection.pointee.backend)
    let next = connection.pointee.poolNext
    let previous = connection.pointee.poolPrevious
    if previous >= 0 { connections[previous].pointee.poolNext = next } else { poolHeads[backend] = next }
    if next >= 0 { connections[next].pointee.poolPrevious = previous }
    connection.pointee.poolNext = -1
    connection.pointee.poolPrevious = -1
    poolCounts[backend] -= 1
    counters.row(ofBackend: Int32(backend))[BackendPlace.idle].subtract()
  }

  /// Puts a connection in front of its pool.
  mutating func linkPooled(_ slot: Int32) {
    let connection = connections[slot]
    let backend = Int(connection.pointee.backend)
    let head = poolHeads[backend]
    connection.pointee.poolNext = head
    connection.pointee.poolPrevious = -1
    if head >= 0 { connections[head].pointee.poolPrevious = slot }
    poolHeads[backend] = slot
    poolCounts[backend] += 1
    counters.row(ofBackend: Int32(backend))[BackendPlace.idle].add()
  }

  /// Puts a connection that has done its work back for the next exchange, or closes it when the pool is full.
  mutating func pool(_ slot: Int32) {
    let connection = connections[slot]
    let backend = connection.pointee.backend
    let bound = poolBound(backend)
    guard poolCounts[Int(backend)] < bound, !isDraining else { return closeConnection(slot, resetting: false) }
    connection.pointee.exchange = -1
    connection.pointee.phase = .idle
    connection.pointee.flags.insert(.isReused)
    connection.pointee.window = Int32(Limit.scratch)
    linkPooled(slot)
    setDeadline(slot, network.now.advanced(by: view.timeouts.keepAlive))
  }

  private mutating func poolBound(_ backend: Int32) -> Int32 {
    let place = loadOfBackend[Int(backend)]
    return place < 0 ? 0 : view.backends[Int(place)].poolIdle
  }

  /// Closes all idle connections to a backend that is gone.
  mutating func emptyPool(_ backend: Int32) {
    while true {
      let slot = takePooled(backend)
      guard slot >= 0 else { return }
      if connections[slot].pointee.flags.contains(.isHTTP2) {
        retireBackend(slot)
        continue
      }
      closeConnection(slot, resetting: false)
    }
  }
}
