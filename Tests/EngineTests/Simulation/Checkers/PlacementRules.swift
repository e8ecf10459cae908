import Primitives

/// A request goes where one configuration says, the one it began with or one after, by all of its attempts.
struct PlacementRule: Checker {
  private var placed: [Int: String] = [:]

  mutating func note(_ fact: Fact, at now: Instant) -> String? {
    guard case .placed(let request, let place, let allowed) = fact else { return nil }
    let epoch = place.split(separator: " ").dropFirst().joined(separator: " ")
    guard allowed.contains(place) || allowed.contains("any shard \(epoch)") else {
      return "request \(request) was placed at \(place), allowed \(allowed)"
    }
    if let known = placed.updateValue(place, forKey: request), known != place {
      return "request \(request) was placed at \(known), then at \(place)"
    }
    return nil
  }
}

/// An affinity cookie brings its client back.
struct AffinityRule: Checker {
  mutating func note(_ fact: Fact, at now: Instant) -> String? {
    guard case .returned(let request, let place, let bound) = fact, place != bound else { return nil }
    return "request \(request), bound to backend \(bound), came to \(place)"
  }
}

/// A drain ends in time.
struct DrainRule: Checker {
  mutating func note(_ fact: Fact, at now: Instant) -> String? {
    guard case .drained(let running) = fact, running > 0 else { return nil }
    return "\(running) workers run on after the drain"
  }
}
