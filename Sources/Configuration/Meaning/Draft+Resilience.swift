import Balancing
import ConfigLanguage
import Engine
import Primitives

extension Draft {
  /// Applies what a shard's block says of requests that fail, standbys excepted.
  func readResilience(_ section: Section, into shard: inout Shard) {
    shard.retry = section.first("retry").map(retry)
    shard.outlier = section.first("outlier").flatMap(outlier)
    shard.breaker = section.first("breaker").flatMap(breaker)
  }

  private func retry(_ directive: Directive) -> RetryRules {
    let percent = directive["budget"]?.number ?? 20
    let (count, period) = directive["floor"].map { ($0.number, $0.period) } ?? (3, .second)
    let floor = Double(count) * Double(RetryRules.window) / Double(max(1, period))
    return RetryRules(
      percent: Int32(percent), floor: Int64(min(floor, 10_000_000)), attempts: Int32(directive["attempts"]?.number ?? 2)
    )
  }

  private func outlier(_ directive: Directive) -> OutlierRules? {
    guard let failures = directive["FAILURES"], let tenants = directive["TENANTS"] else { return nil }
    guard failures.number >= tenants.number else {
      diagnostics.error(
        "\(failures.number) failures can't be of \(tenants.number) tenants", at: directive.range,
        suggestion: "each failure is one tenant's")
      return nil
    }
    var rules = OutlierRules()
    rules.failures = Int32(failures.number)
    rules.tenants = Int32(tenants.number)
    if let time = directive["eject"] { rules.ejection = time.number }
    if let most = directive["at-most"] { rules.mostPercent = Int32(most.number) }
    return rules
  }

  private func breaker(_ directive: Directive) -> BreakerRules? {
    guard let percent = directive["PERCENT"], let count = directive["N"] else { return nil }
    var rules = BreakerRules()
    rules.percent = Int32(percent.number)
    rules.requests = Int32(count.number)
    if let time = directive["for"] { rules.duration = time.number }
    return rules
  }

  /// What a plan says of its tenants' timeouts.
  func timeouts(of section: Section) -> TimeoutRules {
    var rules = TimeoutRules()
    // The defaults first, so that the plan's own lines stand.
    for lines in [section.defaults?.children("timeout") ?? [], section.directive.children("timeout")] {
      var seen: Set<[String]> = []
      for directive in lines {
        guard let word = directive["STEP"], let step = PlanTimeouts.Step(rawValue: word.text),
          let time = directive["TIME"]
        else { continue }
        let path = directive["path"]
        guard seen.insert([word.text, path?.text ?? ""]).inserted else {
          diagnostics.error("'timeout \(word.text)' is said twice for the same requests", at: directive.range)
          continue
        }
        if let path { set(step, time.number, for: path, in: &rules) } else { rules.timeouts[step] = time.number }
      }
    }
    return rules
  }

  private func set(_ step: PlanTimeouts.Step, _ time: Int64, for path: Value, in rules: inout TimeoutRules) {
    guard checkPath(path) else { return }
    if !rules.routes.contains(where: { $0.path == path.text }) {
      guard rules.routes.count < TimeoutRules.mostRoutes else {
        return diagnostics.error(
          "a plan may have \(TimeoutRules.mostRoutes) paths with timeouts", at: path.word.range)
      }
      rules.routes.append(TimeoutRules.Route(path: path.text))
    }
    for place in rules.routes.indices where rules.routes[place].path == path.text {
      rules.routes[place].timeouts[step] = time
    }
  }

  /// Finds the standbys of all shards, once all have their numbers.
  mutating func readStandbys() {
    for section in sections("shard") {
      guard let name = section.directive["name"], let number = shardNumbers[name.text],
        let directive = section.first("standby"), shards[number].standbys.isEmpty
      else { continue }
      let isOwn = section.directive.child("standby") != nil
      for value in directive.all("SHARD") { addStandby(value, to: number, isOwn: isOwn) }
      if let delay = directive["back-after"] { shards[number].standbyDelay = delay.number }
      // Nobody else would learn that its backends are back: no request goes there meanwhile.
      if shards[number].health == nil, !shards[number].standbys.isEmpty { shards[number].health = HealthCheck(.tcp) }
    }
  }

  private mutating func addStandby(_ value: Value, to number: Int, isOwn: Bool) {
    guard let standby = shard(value) else { return }
    let known = shards[number]
    if standby == number {
      // A shard that takes `standby` from the defaults may be one of them.
      if isOwn { diagnostics.error("\(value.word.shown) can't stand in for itself", at: value.word.range) }
      return
    }
    guard known.isTest == shards[standby].isTest else {
      return diagnostics.error(
        "one of \(value.word.shown) and '\(known.name)' is for tests and the other is not", at: value.word.range)
    }
    guard !known.standbys.contains(standby) else {
      return diagnostics.error("\(value.word.shown) stands twice", at: value.word.range)
    }
    if let region = known.region, let other = shards[standby].region, region != other {
      return diagnostics.warn(
        "\(value.word.shown) stands in region '\(other)' and never stands in for '\(known.name)' in '\(region)'",
        at: value.word.range)
    }
    shards[number].standbys.append(standby)
  }
}
