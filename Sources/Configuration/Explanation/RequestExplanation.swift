import ConfigLanguage
public import Engine
import Primitives
import Tenancy

/// What the proxy would do with a request, and which lines say so.
public struct RequestExplanation: Sendable {
  /// What the data path decided.
  public let verdict: RequestVerdict
  private let request: RequestQuestion
  private let tenant: TenantExplanation?
  private let shard: Shard?
  /// Names of the shards that serve while none of its backends is up, the first that can.
  private let standbys: [String]

  /// Explains the verdict on a request; `overlay` is what stands beside the declaration of its tenant.
  public init(
    _ request: RequestQuestion, _ verdict: RequestVerdict, _ configuration: LoadedConfiguration,
    overlay: TenantOverlay? = nil
  ) {
    self.request = request
    self.verdict = verdict
    tenant = verdict.tenant.flatMap {
      TenantExplanation(of: configuration.blueprint.tenants.name(of: $0), in: configuration, overlay: overlay)
    }
    let shards = configuration.blueprint.shards
    shard = verdict.shard.map { shards[$0] }
    standbys = shard?.standbys.map { shards[$0].name } ?? []
  }

  private var isAdmitted: Bool { verdict.code == .none }

  /// The explanation as lines, each ended.
  public var text: String {
    var result = "\(request.method) \(request.path)\(request.host.map { " for \($0)" } ?? "") from \(request.client)\n"
    if let tenant { result += "resolved by \(verdict.source ?? "?"): \(tenant.text)" }
    if let shard {
      result += "placed on shard \(shard.name), epoch \(verdict.epoch), balance \(shard.balance.name)\n"
      for backend in shard.backends { result += "  backend \(backend.name) weight \(backend.weight)\n" }
      if !standbys.isEmpty { result += "  standby \(standbys.joined(separator: ", then ")) while none of them is up\n" }
    }
    result +=
      isAdmitted
      ? "admitted, as long as its limits allow\n"
      : "refused: \(verdict.code.status) \(verdict.code.name): \(verdict.code.title)\n"
    return result
  }

  /// The explanation as one JSON object; no newline at the end.
  public var json: String {
    var json = JSONText()
    json.beginObject()
    json.field("admitted", isAdmitted)
    if !isAdmitted {
      json.field("status", Int(verdict.code.status))
      json.field("code", "\(verdict.code.name)")
    }
    if let tenant {
      json.field("tenant", tenant.tenant)
      json.field("tenant_source", verdict.source ?? "")
      json.field("declared", tenant.declared)
      json.beginList("values")
      for value in tenant.values {
        json.beginObject()
        json.field("name", value.name)
        json.field("value", value.value)
        json.field("source", value.source)
        json.endObject()
      }
      json.endList()
    }
    if let shard {
      json.field("shard", shard.name)
      json.field("epoch", Int(clamping: verdict.epoch))
      json.beginList("backends")
      for backend in shard.backends {
        json.beginObject()
        json.field("address", backend.name)
        json.field("weight", backend.weight)
        json.endObject()
      }
      json.endList()
      json.beginList("standbys")
      for standby in standbys { json.item(standby) }
      json.endList()
    }
    json.endObject()
    return json.text
  }
}
