import Primitives

/// What may go wrong in a world.
enum Climate: Int, CaseIterable {
  /// Nothing but splits, delays and small buffers: every answer must be the deserved one.
  case calm
  /// Calm, with tight limits on tenants.
  case limited
  /// Backends and clients misbehave, the network does not.
  case faulty
  /// Everything: refusals, black holes, flapping backends, no descriptors, clock jumps.
  case rough
}

/// How the network of one world behaves, chosen by its seed.
struct Weather {
  let climate: Climate
  /// Bounds of one way's delay, in nanoseconds.
  let delay: ClosedRange<Int64>
  /// How often bytes still on the way arrive in the middle of a turn, in percent.
  let nudge: Int
  /// How often a connection's bytes come in tiny pieces, in percent.
  let tiny: Int
  /// Most events told at once.
  let batch: Int
  /// Whether a reset makes the peer forget what it had not read, as it does on some systems.
  let resetPurges: Bool
  /// Descriptors the process may hold.
  let descriptors: Int
  /// How bytes are split on their way, when chance has no say in it.
  var splits: Splits?

  init(_ climate: Climate, random: inout SeededRandom) {
    self.climate = climate
    let slowest: [Int64] = [50 * .microsecond, .millisecond, 20 * .millisecond, 150 * .millisecond]
    delay = 1_000...slowest[random.below(slowest.count)]
    nudge = [0, 10, 40][random.below(3)]
    tiny = [0, 15, 50, 100][random.below(4)]
    batch = [1, 2, 7, 256][random.below(4)]
    resetPurges = random.below(2) == 0
    descriptors = climate == .rough && random.below(3) == 0 ? 12 + random.below(30) : 100_000
  }

  /// One way's delay.
  func wait(_ random: inout SeededRandom) -> Int64 { wait(&random, upTo: delay.upperBound) }

  /// One way's delay, at most `bound`.
  func wait(_ random: inout SeededRandom, upTo bound: Int64) -> Int64 {
    // Most packets are quick; the slow ones make the interesting orders.
    let span = Int(max(1, min(delay.upperBound, bound) - delay.lowerBound))
    return delay.lowerBound + Int64(random.below(random.below(4) == 0 ? span : span / 8 + 1))
  }
}

/// How bytes are split on their way.
enum Splits {
  /// What is sent at once comes at once.
  case none
  /// Each byte by itself.
  case bytes
  /// What clients send is split before one byte, by its number in its connection.
  case clientsBefore(Int)
  /// What backends send is split before one byte.
  case backendsBefore(Int)
}

extension SeededRandom {
  /// True in `percent` of 100 cases.
  mutating func chance(_ percent: Int) -> Bool { percent > 0 && below(100) < percent }

  /// One of `choices`.
  mutating func pick<T>(_ choices: [T]) -> T { choices[below(choices.count)] }
}
