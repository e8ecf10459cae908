/// What an operator wants of a backend.
public enum BackendDuty: UInt8, Sendable, BitwiseCopyable, CaseIterable {
  /// It serves.
  case active
  /// It serves those that are bound to it, and for a while only; others go elsewhere.
  case draining
  /// It serves nobody.
  case down

  /// Its name for users.
  public var name: String {
    switch self {
    case .active: "active"
    case .draining: "draining"
    case .down: "down"
    }
  }

  /// The duty of this name; `nil` when there is none.
  public init?(name: String) {
    guard let duty = BackendDuty.allCases.first(where: { $0.name == name }) else { return nil }
    self = duty
  }
}
