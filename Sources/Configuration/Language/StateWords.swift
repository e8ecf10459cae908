public import Tenancy

extension TenantState {
  /// The state that the language calls `word`.
  public init?(word: String) {
    guard let state = TenantState.allCases.first(where: { $0.word == word }) else { return nil }
    self = state
  }

  /// What the language calls it.
  public var word: String {
    switch self {
    case .active: "active"
    case .suspended: "suspended"
    case .readOnly: "read-only"
    case .maintenance: "maintenance"
    case .pastDue: "past-due"
    case .gone: "gone"
    }
  }
}
