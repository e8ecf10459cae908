/// What a value of the admin API looks like: a JSON Schema, written in few words.
indirect enum AdminShape: Sendable {
  case text, time, count, number, flag
  /// Anything.
  case any
  /// One of these words.
  case choice([String])
  /// A whole number within bounds.
  case range(ClosedRange<Int64>)
  /// A text that a regular expression fits.
  case matching(String)
  case list(AdminShape)
  /// A list of at least one thing.
  case some(AdminShape)
  /// An object whose members are all of one shape, whatever their names.
  case map(AdminShape)
  /// It, or `null`.
  case orNull(AdminShape)
  /// The schema of this name.
  case named(String)
  /// An object; members that may be absent are `maybe`.
  case object([Member])

  /// A member of an object.
  struct Member: Sendable {
    var name: String
    var shape: AdminShape
    var isRequired: Bool
  }

  /// A page of things that look so.
  static func page(_ item: AdminShape) -> AdminShape {
    .object([.member("items", .list(item)), .member("next", .orNull(.text))])
  }

  /// As JSON.
  var json: AdminNode {
    switch self {
    case .text: .object([("type", "string")])
    case .time: .object([("type", "string"), ("format", "date-time")])
    case .count: .object([("type", "integer"), ("minimum", .number(0))])
    case .number: .object([("type", "number")])
    case .flag: .object([("type", "boolean")])
    case .any: .object([])
    case .choice(let words): .object([("type", "string"), ("enum", .list(words.map { .text($0) }))])
    case .range(let bounds):
      .object([
        ("type", "integer"), ("minimum", .number(bounds.lowerBound)), ("maximum", .number(bounds.upperBound)),
      ])
    case .matching(let pattern): .object([("type", "string"), ("pattern", .text(pattern))])
    case .list(let item): .object([("type", "array"), ("items", item.json)])
    case .some(let item): .object([("type", "array"), ("items", item.json), ("minItems", .number(1))])
    case .map(let value): .object([("type", "object"), ("additionalProperties", value.json)])
    case .orNull(let shape): .object([("anyOf", .list([shape.json, .object([("type", "null")])]))])
    case .named(let name): .object([("$ref", .text("#/components/schemas/\(name)"))])
    case .object(let members):
      .object(
        [("type", "object"), ("properties", .object(members.map { ($0.name, $0.shape.json) }))]
          + (members.contains { $0.isRequired }
            ? [("required", .list(members.filter(\.isRequired).map { .text($0.name) }))] : []))
    }
  }

  /// The names of schemas that it refers to.
  var references: [String] {
    switch self {
    case .named(let name): [name]
    case .list(let shape), .some(let shape), .map(let shape), .orNull(let shape): shape.references
    case .object(let members): members.flatMap(\.shape.references)
    default: []
    }
  }
}

extension AdminShape.Member {
  /// A member that is always there.
  static func member(_ name: String, _ shape: AdminShape) -> AdminShape.Member {
    AdminShape.Member(name: name, shape: shape, isRequired: true)
  }

  /// A member that may be absent.
  static func maybe(_ name: String, _ shape: AdminShape) -> AdminShape.Member {
    AdminShape.Member(name: name, shape: shape, isRequired: false)
  }
}
