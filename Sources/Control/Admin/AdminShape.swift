/// What a value of the admin API looks like: a JSON Schema, written in few words.
indirect enum AdminShape: Sendable {
  case text, time, count, number, flag
  /// Anything.
  case any
  /// One of these words.
  case choice([String])
  case list(AdminShape)
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
    case .list(let item): .object([("type", "array"), ("items", item.json)])
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
    case .list(let shape), .map(let shape), .orNull(let shape): shape.references
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

/// A schema of the OpenAPI document, and its name there.
struct AdminSchema: Sendable {
  var name: String
  var shape: AdminShape

  init(_ name: String, _ shape: AdminShape) {
    self.name = name
    self.shape = shape
  }
}

/// A value of JSON whose members keep their order until they are written.
indirect enum AdminNode: Encodable, Sendable, ExpressibleByStringLiteral {
  case text(String)
  case number(Int)
  case flag(Bool)
  case list([AdminNode])
  case object([(String, AdminNode)])

  init(stringLiteral value: String) { self = .text(value) }

  private struct Key: CodingKey {
    var stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  func encode(to encoder: any Encoder) throws {
    switch self {
    case .text(let text):
      var value = encoder.singleValueContainer()
      try value.encode(text)
    case .number(let number):
      var value = encoder.singleValueContainer()
      try value.encode(number)
    case .flag(let flag):
      var value = encoder.singleValueContainer()
      try value.encode(flag)
    case .list(let items):
      var values = encoder.unkeyedContainer()
      for item in items { try values.encode(item) }
    case .object(let members):
      var values = encoder.container(keyedBy: Key.self)
      for (name, value) in members { try values.encode(value, forKey: Key(stringValue: name)) }
    }
  }
}
