import Configuration
import Platform
import Tenancy

extension TenantState {
  /// The state as the API writes it.
  var apiName: String { word.replacing("-", with: "_") }

  /// The state that the API calls `name`.
  init?(apiName name: String) { self.init(word: name.replacing("_", with: "-")) }

  /// What the API calls the states, as a sentence needs it.
  static var apiNames: String { allCases.map(\.apiName).joined(separator: ", ") }
}

/// Lines of an override: one as a text, several as a list of them.
enum OverrideText: Codable, Sendable, Equatable {
  case one(String)
  case many([String])

  init(_ lines: [String]) { self = lines.count == 1 ? .one(lines[0]) : .many(lines) }

  init(from decoder: any Decoder) throws {
    let value = try decoder.singleValueContainer()
    if let one = try? value.decode(String.self) {
      self = .one(one)
    } else {
      self = .many(try value.decode([String].self))
    }
  }

  func encode(to encoder: any Encoder) throws {
    var value = encoder.singleValueContainer()
    switch self {
    case .one(let line): try value.encode(line)
    case .many(let lines): try value.encode(lines)
    }
  }
}

/// A tenant as the API tells of it.
struct TenantDocument: Codable, Sendable, Equatable {
  var id: String
  var hosts: [String]
  var plan: String?
  var home: String?
  var epoch: UInt64
  var state: String
  var until: String?
  var test: Bool
  /// When a tenant of tests is gone.
  var expires: String?
  var overrides: [String: OverrideText]
  /// Where it is declared; `nil` in what is only a part of the past.
  var source: String?

  enum CodingKeys: String, CodingKey, CaseIterable {
    case id, hosts, plan, home, epoch, state, until, test, expires, overrides, source
  }

  /// The document of a tenant with these settings.
  init(_ id: String, _ settings: TenantSettings, source: String?) {
    self.id = id
    hosts = settings.hosts
    plan = settings.plan
    home = settings.home
    epoch = settings.epoch
    state = settings.condition.state.apiName
    until = settings.condition.until > 0 ? WallTime.text(settings.condition.until) : nil
    test = settings.condition.isTest
    expires = settings.condition.expiry > 0 ? WallTime.text(settings.condition.expiry) : nil
    overrides = Dictionary(
      settings.overrides.map { ($0.name, OverrideText($0.lines)) }, uniquingKeysWith: { first, _ in first })
    self.source = source
  }

  func encode(to encoder: any Encoder) throws {
    var members = encoder.container(keyedBy: CodingKeys.self)
    try members.encode(id, forKey: .id)
    try members.encode(hosts, forKey: .hosts)
    try members.encode(plan, forKey: .plan)
    try members.encode(home, forKey: .home)
    try members.encode(epoch, forKey: .epoch)
    try members.encode(state, forKey: .state)
    try members.encode(until, forKey: .until)
    try members.encode(test, forKey: .test)
    if test { try members.encode(expires, forKey: .expires) }
    try members.encode(overrides, forKey: .overrides)
    try members.encodeIfPresent(source, forKey: .source)
  }

  /// The document as JSON.
  var json: [UInt8] { AdminJSON.bytes(self) }

  /// The strong tag of a document.
  static func tag(of json: [UInt8]) -> String { "\"\(SHA256Digest.text(of: json).prefix(32))\"" }
}

/// What the store says beside a declaration, as the past tells of it.
struct OverlayDocument: Codable, Sendable, Equatable {
  var id: String
  var state: String?
  var until: String?
  var home: String?
  var epoch: UInt64?

  init(_ id: String, _ overlay: TenantOverlay) {
    self.id = id
    state = overlay.state?.apiName
    until = overlay.until > 0 ? WallTime.text(overlay.until) : nil
    home = overlay.home
    epoch = overlay.home == nil ? nil : overlay.epoch
  }
}
