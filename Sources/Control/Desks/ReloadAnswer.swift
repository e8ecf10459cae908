/// What a reload has done.
struct ReloadAnswer: Codable, Sendable {
  var generation: UInt64
  /// What the configuration was warned of, as text.
  var warnings: String
  /// What has changed and takes effect with the next start.
  var atNextStart: [String]

  enum CodingKeys: String, CodingKey {
    case generation, warnings
    case atNextStart = "at_next_start"
  }
}
