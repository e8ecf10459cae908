import ConfigLanguage
import Configuration
import Tenancy

extension TenantSettings {
  /// Hosts of a tenant, and its overrides, at most.
  private static let most = 1_000
  /// The members of a tenant.
  private static let members = TenantDocument.CodingKeys.allCases.map(\.rawValue)

  /// Reads a tenant that is wanted in the place of `current`; what the language has to say of its values comes later.
  ///
  /// An epoch that is not given is the one in use, and one more where the home is another.
  init(_ value: JSONValue, id: String, current: TenantSight?) throws(AdminProblem) {
    self.init()
    guard case .object(let members) = value else { throw .badRequest("A tenant is an object.") }
    for name in members.keys.sorted() where !TenantSettings.members.contains(name) {
      let hint = Suggestion.text(for: name, among: TenantSettings.members).map { "; \($0)" } ?? ""
      throw .badRequest("A tenant has no member '\(name)'\(hint)")
    }
    if let named = try members.text("id"), named != id {
      throw .badRequest("The id is '\(named)', and the path says '\(id)'.")
    }
    hosts = try members.texts("hosts")
    guard hosts.count <= TenantSettings.most else {
      throw .badRequest("A tenant has \(TenantSettings.most) hosts at most.")
    }
    plan = try members.text("plan")
    home = try members.text("home")
    condition = try TenantSettings.condition(members)
    overrides = try TenantSettings.overrides(members["overrides"])
    epoch = try TenantSettings.epoch(members, home: home, current: current?.settings)
  }

  private static func condition(_ members: [String: JSONValue]) throws(AdminProblem) -> TenantCondition {
    var condition = try TenantCondition(state: members.text("state") ?? "active", until: members.text("until"))
    switch members["test"] {
    case nil, .null: break
    case .bool(let isTest): condition.isTest = isTest
    default: throw .badRequest("'test' is true or false.")
    }
    if let expires = try members.text("expires") {
      guard condition.isTest else { throw .badRequest("Only a tenant with 'test' true has 'expires'.") }
      guard let time = WallTime.milliseconds(expires) else { throw .badRequest("'expires' is no time: '\(expires)'.") }
      condition.expiry = time
    }
    return condition
  }

  private static func overrides(_ value: JSONValue?) throws(AdminProblem) -> [TenantOverride] {
    let members: [String: JSONValue]
    switch value {
    case nil, .null: return []
    case .object(let known): members = known
    default: throw .badRequest("'overrides' is an object.")
    }
    guard members.count <= most else { throw .badRequest("A tenant has \(most) overrides at most.") }
    var overrides: [TenantOverride] = []
    for name in members.keys.sorted() {
      let lines = try members.texts(name, orOne: true)
      if !lines.isEmpty { overrides.append(TenantOverride(name: name, lines: lines)) }
    }
    return overrides
  }

  private static func epoch(
    _ members: [String: JSONValue], home: String?, current: TenantSettings?
  ) throws(AdminProblem) -> UInt64 {
    let known = current?.epoch ?? 0
    let isMoved = current.map { $0.home != home } ?? false
    switch members["epoch"] {
    case nil, .null: return isMoved ? known + 1 : known
    case .whole(let number) where number >= 0:
      let epoch = UInt64(number)
      guard epoch >= known else {
        throw .conflict("epoch_lower", "Epoch \(epoch) is lower than \(known), which is in use.")
      }
      guard !isMoved || epoch > known else {
        throw .conflict("epoch_lower", "Another home needs an epoch higher than \(known), which is in use.")
      }
      return epoch
    default: throw .badRequest("'epoch' is a whole number from 0 on.")
    }
  }
}

extension TenantCondition {
  /// The condition of this state until a moment, as the API writes them.
  init(state name: String, until: String?) throws(AdminProblem) {
    guard let state = TenantState(apiName: name) else {
      let hint = Suggestion.text(for: name, among: TenantState.allCases.map(\.apiName)).map { "; \($0)" } ?? ""
      throw AdminProblem(422, "tenant_invalid", "'\(name)' is not one of \(TenantState.apiNames)\(hint)")
    }
    self.init(state)
    guard let until else { return }
    guard let time = WallTime.milliseconds(until) else {
      throw AdminProblem(422, "tenant_invalid", "'\(until)' is no time; write it as '2026-12-01T08:00:00Z'")
    }
    guard state != .active, state != .gone else {
      throw AdminProblem(422, "tenant_invalid", "'\(name)' is for good, without 'until'")
    }
    self.until = time
  }
}

extension [String: JSONValue] {
  /// The text of a member; `nil` when there is none.
  func text(_ name: String) throws(AdminProblem) -> String? {
    switch self[name] {
    case nil, .null: return nil
    case .text(let text): return text
    default: throw .badRequest("'\(name)' is a text.")
    }
  }

  /// The texts of a member that is a list; with `orOne`, one alone and a number too.
  func texts(_ name: String, orOne: Bool = false) throws(AdminProblem) -> [String] {
    switch self[name] {
    case nil, .null: return []
    case .text(let text) where orOne: return [text]
    case .whole(let number) where orOne: return [String(number)]
    case .list(let values):
      var texts: [String] = []
      for value in values {
        guard case .text(let text) = value else { throw .badRequest("'\(name)' has something that is no text.") }
        texts.append(text)
      }
      return texts
    default: throw .badRequest(orOne ? "'\(name)' is a text, or a list of them." : "'\(name)' is a list of texts.")
    }
  }
}
