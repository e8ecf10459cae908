/// A value of JSON whose members keep their order until they are written.
indirect enum AdminNode: Encodable, Sendable, ExpressibleByStringLiteral {
  case text(String)
  case number(Int64)
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
