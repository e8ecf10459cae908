import Configuration

/// What is known of tenants beside the configuration, by name, as bytes: a million of them are no burden.
///
/// In parts, so that a change to a table of which somebody holds a copy copies one part.
struct RowTable: Sendable {
  private static let partCount = 1024

  private var parts = [[String: [UInt8]]](repeating: [:], count: partCount)
  /// Tenants.
  private(set) var count = 0

  private static func part(of tenant: String) -> Int {
    var hash: UInt32 = 0x811C_9DC5
    for byte in tenant.utf8 { hash = (hash ^ UInt32(byte)) &* 0x0100_0193 }
    return Int(hash % UInt32(partCount))
  }

  /// What is kept of a tenant.
  subscript(tenant: String) -> [UInt8]? {
    get { parts[RowTable.part(of: tenant)][tenant] }
    set {
      let part = RowTable.part(of: tenant)
      let known =
        newValue.map { parts[part].updateValue($0, forKey: tenant) } ?? parts[part].removeValue(forKey: tenant)
      count += (newValue == nil ? 0 : 1) - (known == nil ? 0 : 1)
    }
  }

  /// What is known of a tenant.
  func tenant(_ id: String) -> LiveTenant? { self[id].flatMap { LiveTenant(bytes: $0) } }

  /// Calls `body` with each tenant and what is kept of it.
  func forEach<Failure>(_ body: (String, [UInt8]) throws(Failure) -> Void) throws(Failure) {
    for part in parts {
      for (tenant, row) in part { try body(tenant, row) }
    }
  }

  /// What stands beside declarations.
  var overlays: [String: TenantOverlay] {
    var overlays: [String: TenantOverlay] = [:]
    forEach { tenant, row in
      if case .overlay(let overlay)? = LiveTenant(bytes: row) { overlays[tenant] = overlay }
    }
    return overlays
  }
}
