import FoundationEssentials

/// JSON as the admin API speaks it.
enum AdminJSON {
  /// A value as compact JSON, members sorted by name.
  static func bytes(_ value: some Encodable) -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(value) else { preconditionFailure("what the API says can be said in JSON") }
    return [UInt8](data)
  }

  /// The value of a body.
  static func read<Value: Decodable>(_ type: Value.Type, _ bytes: [UInt8]) throws(AdminProblem) -> Value {
    do {
      return try JSONDecoder().decode(type, from: Data(bytes))
    } catch let error as DecodingError {
      throw .badRequest(text(of: error))
    } catch {
      throw .badRequest("The body is not JSON.")
    }
  }

  private static func text(of error: DecodingError) -> String {
    func place(_ path: [any CodingKey]) -> String {
      path.isEmpty ? "The body" : "'" + path.map(\.stringValue).joined(separator: ".") + "'"
    }
    switch error {
    case .keyNotFound(let key, let where_): return "\(place(where_.codingPath)) lacks '\(key.stringValue)'."
    case .typeMismatch(_, let where_), .valueNotFound(_, let where_):
      return "\(place(where_.codingPath)) is of another type than it must be."
    case .dataCorrupted(let where_):
      return where_.codingPath.isEmpty ? "The body is not JSON." : "\(place(where_.codingPath)) has no such value."
    @unknown default: return "The body can't be read."
    }
  }
}
