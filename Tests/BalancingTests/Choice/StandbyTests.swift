import Balancing
import Primitives
import Testing

@Suite struct StandbyTests {
  private let now = Instant(nanoseconds: 1_000 * .second)

  /// One letter a backend: down, up ever since, back just now, back for long.
  @Test(arguments: [
    ("u", ShardReadiness.settled), ("d", .none), ("dd", .none), ("du", .settled), ("n", .fresh), ("dn", .fresh),
    ("nl", .settled), ("dl", .settled), ("", .none),
  ])
  func readiness(backends: String, expected: ShardReadiness) {
    let loads = backends.map { letter in
      var load = BackendLoad(weight: 1)
      switch letter {
      case "d": load.leave()
      case "n": load.recover(at: now.advanced(by: -9 * .second))
      case "l": load.recover(at: now.advanced(by: -10 * .second))
      default: break
      }
      return load
    }
    let found = loads.withUnsafeBufferPointer { buffer in
      buffer.baseAddress.map { ShardReadiness($0, buffer.count, delay: 10 * .second, at: now) } ?? .none
    }
    #expect(found == expected)
  }
}
