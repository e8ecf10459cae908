import ConfigLanguage
public import Tenancy

extension LoadedConfiguration {
  /// A tenant as the configuration declares it, in the form of one of the store: `nil` when it does not declare it.
  ///
  /// - Parameter overlay: what stands beside its declaration.
  public func settings(ofDeclared id: String, with overlay: TenantOverlay?) -> TenantSettings? {
    let directory = blueprint.tenants
    let index = directory.tenant(id)
    guard index >= 0, directory.source(of: index).file >= 0 else { return nil }
    var settings = TenantSettings()
    settings.hosts = directory.hosts(of: index)
    let plan = Int(directory.plan(of: index))
    settings.plan = blueprint.planNames.indices.contains(plan) ? blueprint.planNames[plan] : nil
    let declared = declaration(of: id, at: index)
    settings.condition = declared.condition
    (settings.home, settings.epoch) = (declared.home, declared.epoch)
    if let overlay {
      settings.condition = settings.condition.with(overlay)
      if let home = overlay.home, overlay.epoch >= declared.epoch {
        (settings.home, settings.epoch) = (home, overlay.epoch)
      }
    }
    settings.overrides = provenance.overrides(of: id) ?? overrides(ofLine: index)
    return settings
  }

  /// What is declared of a tenant that the configuration declares.
  public func declaration(of id: String, at index: TenantIndex) -> DeclaredTenant {
    if let known = declared[id] { return known }
    let directory = blueprint.tenants
    return DeclaredTenant(
      home: reader.shardName(Int(directory.home(of: index))), epoch: directory.epoch(of: index),
      condition: directory.condition(of: index))
  }

  /// What the line of a table says in place of the plan.
  private func overrides(ofLine index: TenantIndex) -> [TenantOverride] {
    let (own, inherited) = (blueprint.tenants.overrides(of: index), blueprint.tenants.inherited(by: index))
    var overrides: [TenantOverride] = []
    if let concurrency = own.concurrency, !inherited.contains(.concurrency) {
      overrides.append(TenantOverride(name: "concurrency", lines: [String(concurrency)]))
    }
    if let rate = own.requests, !inherited.contains(.requests) {
      let text = "\(Quantity.text(rate: rate.count, per: rate.period)) burst \(rate.burst)"
      overrides.append(TenantOverride(name: "requests", lines: [text]))
    }
    return overrides
  }

  /// Where a tenant is declared, as `file:line`; `store` where nothing but the store does.
  public func source(of index: TenantIndex) -> String {
    let source = blueprint.tenants.source(of: index)
    return source.file < 0 ? "store" : "\(provenance.fileName(source.file)):\(source.line)"
  }
}
