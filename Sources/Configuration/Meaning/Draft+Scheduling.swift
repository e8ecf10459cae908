import ConfigLanguage
import Engine
import Primitives
import Tenancy

extension Draft {
  /// How much of a shard is used at once; `nil` when that is not bounded.
  func concurrency(of section: Section) -> ShardConcurrency? {
    guard let directive = section.first("concurrency") else {
      for name in ["queue", "long-share", "reserve"] {
        guard let directive = section.first(name) else { continue }
        diagnostics.error(
          "'\(name)' does nothing in a shard without 'concurrency'", at: directive.range,
          suggestion: "say how many requests its backends take at once: 'concurrency N'")
      }
      if let bound = section.first("pool")?["per-tenant"] {
        diagnostics.error(
          "'per-tenant' does nothing in a shard without 'concurrency'", at: bound.word.range,
          suggestion: "say how many requests its backends take at once: 'concurrency N'")
      }
      return nil
    }
    let backends = section.directive.children("backend").count
    guard var concurrency = bound(of: directive, backends: backends) else { return nil }
    if let queue = section.first("queue") {
      if let count = queue["N"] { concurrency.queue.bound = Int(count.number) }
      if let wait = queue["for"] { concurrency.queue.wait = wait.number }
      if let target = queue["target"] { concurrency.queue.target = target.number }
    }
    if let share = section.value("long-share", "PERCENT") { concurrency.longShare = Int32(share.number) }
    if let bound = section.first("pool")?["per-tenant"] { concurrency.perTenant = Int32(bound.number) }
    if let reserve = section.value("reserve", "PERCENT") { concurrency.reserve = Int32(reserve.number) }
    return concurrency
  }

  /// The bound that a `concurrency` line sets.
  private func bound(of directive: Directive, backends: Int) -> ShardConcurrency? {
    if let count = directive["N"] { return ShardConcurrency(limit: Int32(count.number)) }
    guard directive.form == 0 else { return nil }
    let least = Int32(directive["min"]?.number ?? 4)
    let most = Int32(directive["max"]?.number ?? 1_000)
    guard least <= most else {
      diagnostics.error("a concurrency of at least \(least) can't be at most \(most)", at: directive.range)
      return nil
    }
    let start = ShardConcurrency.start * Int32(clamping: max(1, backends))
    var concurrency = ShardConcurrency(limit: min(max(start, least), most))
    concurrency.adaptive = least...most
    return concurrency
  }

  /// What a plan or a tenant says of its part of a saturated shard.
  func scheduling(of section: Section) -> SchedulingOverrides {
    var terms = SchedulingOverrides()
    if let weight = section.value("weight", "N") { terms.weight = Int32(weight.number) }
    if let name = section.value("criticality", "CLASS") { terms.criticality = Criticality(name: name.text) }
    if let share = section.first("share") { terms.share = self.share(share) }
    return terms
  }

  private func share(_ directive: Directive) -> SchedulingShare? {
    let least = directive["min"]?.number ?? 0
    let most = directive["max"]?.number ?? 100
    guard least <= most else {
      diagnostics.error("a share of at least \(least)% can't be at most \(most)%", at: directive.range)
      return nil
    }
    return SchedulingShare(least: UInt8(least), most: UInt8(most))
  }
}

extension Criticality {
  /// The class that the language calls `name`.
  init?(name: String) {
    switch name {
    case "critical": self = .critical
    case "default": self = .default
    case "sheddable": self = .sheddable
    default: return nil
    }
  }

  /// What the language calls it.
  var name: String {
    switch self {
    case .critical: "critical"
    case .default: "default"
    case .sheddable: "sheddable"
    }
  }
}
