import Primitives

/// Something that goes wrong for a while.
struct Trouble {
  enum Kind {
    /// A backend takes connections differently.
    case mood(shard: Int, place: Int, Origin.Mood)
    /// A backend answers health checks differently.
    case checks(shard: Int, place: Int, Origin.CheckMood)
    /// The process may open so many descriptors more than it has, and no others.
    case noDescriptors(spare: Int)
    /// The wall clock jumps.
    case wallJump(Int64)
    /// One of the open connections breaks at both ends.
    case reset(Int)
    /// One of the open connections carries nothing any more; that of a backend does again later.
    case blackHole(Int)
  }

  /// Nanoseconds from the start of the world.
  var at: Int64
  var lasts: Int64
  var kind: Kind
}

extension Simulation {
  /// Plans a trouble's begin and end.
  func plan(_ trouble: Trouble) {
    world.after(trouble.at) { [unowned(unsafe) self] in begin(trouble) }
    world.after(trouble.at + trouble.lasts) { [unowned(unsafe) self] in end(trouble) }
  }

  private func begin(_ trouble: Trouble) {
    world.note("trouble: \(trouble.kind)")
    switch trouble.kind {
    case .mood(let shard, let place, let mood): origins[shard][place].mood = mood
    case .checks(let shard, let place, let mood): origins[shard][place].checkMood = mood
    case .noDescriptors(let spare): world.descriptorBound = world.openCount + spare
    case .wallJump(let jump): world.wallOffset += jump
    case .reset(let number): world.openLink(number)?.breakOff()
    case .blackHole(let number): world.openLink(number)?.lose()
    }
  }

  private func end(_ trouble: Trouble) {
    switch trouble.kind {
    case .mood(let shard, let place, _): origins[shard][place].mood = .up
    case .checks(let shard, let place, _): origins[shard][place].checkMood = .good
    case .noDescriptors: world.descriptorBound = world.weather.descriptors
    case .blackHole: for link in world.links where link.isLost && !link.isFromClient { link.find() }
    case .wallJump, .reset: break
    }
  }

  /// Moods of backends, times without descriptors, and clocks that jump, as worlds of the first edition have them.
  func planFirstTroubles() {
    for shard in origins {
      for origin in shard where world.random.chance(60) {
        for _ in 0..<1 + world.random.below(4) {
          let at = Int64(world.random.below(8_000)) * .millisecond
          let mood = world.random.pick([Origin.Mood.refusing, .refusing, .silent, .refusingAtOnce])
          world.after(at) { origin.mood = mood }
          world.after(at + Int64(world.random.below(4_000)) * .millisecond) { origin.mood = .up }
        }
      }
    }
    for _ in 0..<world.random.below(3) {
      let at = Int64(world.random.below(6_000)) * .millisecond
      let lasts = Int64(world.random.below(2_000)) * .millisecond
      plan(Trouble(at: at, lasts: lasts, kind: .noDescriptors(spare: 0)))
    }
    for _ in 0..<world.random.below(3) {
      let jump = (Int64(world.random.below(20_000)) - 10_000) * .second
      let at = Int64(world.random.below(9_000)) * .millisecond
      plan(Trouble(at: at, lasts: 0, kind: .wallJump(jump)))
    }
  }

  /// Ends all trouble, so that what remains is the plant's doing.
  func calm() {
    for shard in origins {
      for origin in shard {
        origin.mood = .up
        origin.checkMood = .good
      }
    }
    for link in world.links where link.isLost && !link.isFromClient { link.find() }
    world.descriptorBound = 100_000
  }
}
