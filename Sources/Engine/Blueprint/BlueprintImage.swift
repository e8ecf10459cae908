import Tenancy

/// A blueprint as the data path reads it. Immutable; freed when the last worker has let go of it.
final class BlueprintImage: Sendable {
  let blueprint: Blueprint
  let tables: BlueprintTables
  /// What is asked of tenants beyond plain limits.
  let policies: PolicyImage

  /// The image of `blueprint`; `nil` when the roster is full.
  convenience init?(_ blueprint: Blueprint, roster: Roster) {
    let policies = PolicyImage(blueprint, roster.limits)
    guard let tables = BlueprintTables(blueprint, roster: roster) else { return nil }
    self.init(blueprint, tables, policies, roster)
  }

  /// The image of a blueprint that differs from that of `other` by its tenants, and by policies added for them, alone.
  convenience init(_ blueprint: Blueprint, tenantsBesides other: BlueprintImage, roster: Roster) {
    let hasSamePolicies = blueprint.policies.count == other.blueprint.policies.count
    let policies = hasSamePolicies ? other.policies : PolicyImage(blueprint, roster.limits)
    self.init(blueprint, other.tables, policies, roster)
  }

  private init(_ blueprint: Blueprint, _ tables: BlueprintTables, _ policies: PolicyImage, _ roster: Roster) {
    self.blueprint = blueprint
    self.tables = tables
    self.policies = policies
    if blueprint.shards.contains(where: { $0.concurrency != nil }) {
      roster.standings.ensure(capacity: blueprint.tenants.capacity)
    }
  }
}
