/// A word behind a verb that is no option.
enum Operand: Sendable {
  case one(String)
  case optional(String)
  /// Any number, in the last place.
  case many(String)

  /// How it is written.
  var synopsis: String {
    switch self {
    case .one(let name): name
    case .optional(let name): "[\(name)]"
    case .many(let name): "[\(name)…]"
    }
  }
}
