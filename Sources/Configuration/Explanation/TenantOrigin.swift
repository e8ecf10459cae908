import ConfigLanguage
import Tenancy

/// Finds the lines that a tenant's values come from.
struct TenantOrigin {
  let provenance: Provenance
  private let declared: String
  /// The tenant's block; `nil` when a table declares it.
  private let block: Directive?
  private let defaults: Directive?
  /// What the line of a table leaves to the defaults.
  private let inherited: TenantInheritance
  /// What the store says in place of the declaration.
  private let overlaid: Set<String>

  /// The origin of the values of tenant `id`, which is declared at the place `declared`.
  init(
    id: String, declared: String, inherited: TenantInheritance, overlay: TenantOverlay? = nil,
    declaredEpoch: UInt64 = 0,
    provenance: Provenance
  ) {
    var overlaid: Set<String> = []
    if overlay?.state != nil { overlaid.insert("state") }
    if let overlay, overlay.home != nil, overlay.epoch >= declaredEpoch { overlaid.formUnion(["home", "epoch"]) }
    self.overlaid = overlaid
    self.provenance = provenance
    self.declared = declared
    block = provenance.block(of: id)
    defaults = provenance.defaults(of: "tenant")
    self.inherited = inherited
  }

  /// The place of a directive of the tenant. A table's line is the place of all its values, unless the value is
  /// what holds by default.
  func place(_ name: String, orDefault: Bool = false) -> String {
    if overlaid.contains(name) { return "store" }
    if block == nil, !inherits(name) { return orDefault ? "default" : declared }
    if let own = block?.plain(name) { return provenance.place(of: own.range) }
    if let shared = defaults?.plain(name) { return "defaults, \(provenance.place(of: shared.range))" }
    return "default"
  }

  private func inherits(_ name: String) -> Bool {
    switch name {
    case "plan": inherited.contains(.plan)
    case "home": inherited.contains(.home)
    case "requests": inherited.contains(.requests)
    case "concurrency": inherited.contains(.concurrency)
    default: false
    }
  }

  /// The place of a host of the tenant.
  func host(_ host: String) -> String {
    let value = block?.children("host").flatMap { $0.all("HOST") }.first {
      let text = $0.text.lowercased()
      return text == host || text == host + "."
    }
    return value.map { provenance.place(of: $0.word.range) } ?? declared
  }

  /// The place of a limit: the tenant itself, its plan, or nobody.
  func limit(_ name: String, isOwn: Bool, plan: String?) -> String {
    let inherited = plan.flatMap { planPlace(of: name, plan: $0) }
    guard isOwn else { return inherited ?? "default" }
    return place(name) + (inherited.map { " (instead of \($0))" } ?? "")
  }

  /// The place of a limit that a block may have several of: the line that `fits`, of the tenant or of its plan.
  func line(_ name: String, plan: String?, where fits: (Directive) -> Bool) -> String {
    for (block, title) in [(block, ""), (defaults, "defaults, ")] {
      guard self.block != nil, let line = block?.children(name).first(where: fits) else { continue }
      return title + provenance.place(of: line.range)
    }
    guard let plan else { return "default" }
    let block = provenance.directives.first { $0.row.name == "plan" && $0["name"]?.text == plan }
    if let line = block?.children(name).first(where: fits) {
      return "plan '\(plan)', \(provenance.place(of: line.range))"
    }
    guard let line = provenance.defaults(of: "plan")?.children(name).first(where: fits) else { return "default" }
    return "defaults of plan '\(plan)', \(provenance.place(of: line.range))"
  }

  private func planPlace(of name: String, plan: String) -> String? {
    let block = provenance.directives.first { $0.row.name == "plan" && $0["name"]?.text == plan }
    if let line = block?.plain(name) { return "plan '\(plan)', \(provenance.place(of: line.range))" }
    guard let line = provenance.defaults(of: "plan")?.plain(name) else { return nil }
    return "defaults of plan '\(plan)', \(provenance.place(of: line.range))"
  }
}

extension Directive {
  /// The directive `name` of the block that is not about a client, a value or a path.
  fileprivate func plain(_ name: String) -> Directive? { children(name).first { $0["per"] == nil } }
}

extension Provenance {
  /// The `defaults` block of a kind.
  func defaults(of kind: String) -> Directive? {
    directives.first { $0.row.name == "defaults" && $0["KIND"]?.text == kind }
  }

  /// The place of a directive by the names that lead to it.
  func place(of path: [String]) -> String? {
    var level = directives
    var found: Directive?
    for name in path {
      guard let next = level.first(where: { $0.row.name == name }) else { return nil }
      found = next
      level = next.children
    }
    return found.map { place(of: $0.range) }
  }
}
