import FoundationEssentials

/// Where the audit log ends, and where what is left of it begins: kept beside it, so that a tail that was cut off is missed.
struct AuditHead: Codable, Sendable, Equatable {
  /// Bytes of its file: a line of JSON, filled up with blanks, that is written over in one piece.
  static let size = 512

  /// The number and the chain of the last entry.
  var n: Int64 = 0
  var chain = AuditLine.origin
  /// The number of the first entry that is still there, and the chain of the one before it.
  var first: Int64 = 1
  var base = AuditLine.origin

  /// The bytes of its file.
  var bytes: [UInt8] {
    let json = AdminJSON.bytes(self)
    return json + [UInt8](repeating: 0x20, count: AuditHead.size - 1 - json.count) + [0x0A]
  }

  /// The empty log's.
  init() {}

  /// The head that a file holds; `nil` when it holds none.
  init?(_ bytes: [UInt8]) {
    guard let head = try? JSONDecoder().decode(AuditHead.self, from: Data(bytes)) else { return nil }
    self = head
  }
}
