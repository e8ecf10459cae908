/// What an upgrade has done.
struct UpgradeAnswer: Codable, Sendable {
  /// The process that serves now.
  var process: Int32
  /// The process that has served before, and ends once its requests have.
  var before: Int32
}
