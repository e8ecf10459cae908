import Primitives

/// What happens to a world from outside: reloads, troubles, a stop.
extension Scenario {
  mutating func makeEvents() {
    listeners = random.pick([1, 2, 2])
    hasHealthChecks = random.chance(climate == .rough ? 40 : 15)
    checkInterval = random.pick([2, 10, 60]) * .second
    if random.chance(50) { makeReloads() }
    if climate == .rough { makeTroubles() }
    if random.chance(20) { makeJumps() }
    if random.chance(15) {
      drain = Drain(at: moment(6_000), time: random.pick([0, .millisecond, .second, 5 * .second, 30 * .second]))
    }
  }

  private mutating func moment(_ milliseconds: Int) -> Int64 {
    Int64(random.below(milliseconds * 1_000)) * .microsecond
  }

  /// A few reloads, or a storm of them.
  private mutating func makeReloads() {
    let isStorm = random.chance(25)
    let start = moment(3_000)
    var configuration = configuration
    var moments = (0..<(isStorm ? 5 + random.below(25) : 1 + random.below(4))).map { _ in
      isStorm ? start + moment(300) : moment(5_000)
    }
    moments.sort()
    for at in moments {
      let isSame = random.chance(15)
      if !isSame { configuration.change(&random, allowsLimits: climate == .limited || climate == .rough) }
      reloads.append(Reload(at: at, configuration: configuration))
    }
  }

  private mutating func makeTroubles() {
    for (shard, count) in shards.enumerated() {
      for place in 0..<count where random.chance(60) {
        for _ in 0..<1 + random.below(4) {
          let mood = random.pick([Origin.Mood.refusing, .refusing, .silent, .refusingAtOnce])
          add(.mood(shard: shard, place: place, mood), lasts: moment(4_000))
        }
        guard hasHealthChecks, random.chance(60) else { continue }
        let mood = random.pick(Origin.CheckMood.allCases)
        add(.checks(shard: shard, place: place, mood), lasts: moment(20_000))
      }
    }
    for _ in 0..<random.below(3) { add(.noDescriptors(spare: random.below(4)), lasts: moment(2_000)) }
    for _ in 0..<random.below(4) { add(.reset(random.below(1 << 20)), lasts: 0) }
    for _ in 0..<random.below(3) { add(.blackHole(random.below(1 << 20)), lasts: moment(20_000)) }
  }

  private mutating func makeJumps() {
    for _ in 0..<1 + random.below(3) {
      add(.wallJump((Int64(random.below(20_000)) - 10_000) * .second), lasts: 0)
    }
  }

  private mutating func add(_ kind: Trouble.Kind, lasts: Int64) {
    troubles.append(Trouble(at: moment(8_000), lasts: lasts, kind: kind))
  }
}
