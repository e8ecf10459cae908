import ConfigLanguage

/// What a configuration says where, kept for explanations.
public struct Provenance: Sendable {
  /// The files that were read; tables are here by name only, without their text.
  let sources: SourceSet
  /// The directives of the top level.
  let directives: [Directive]

  /// The name of file number `file`, as in `TenantDirectory.source(of:)`.
  public func fileName(_ file: Int) -> String {
    sources.files.indices.contains(file) ? sources.files[file].name : "?"
  }

  /// The place of `range` as `file:line`.
  func place(of range: SourceRange) -> String { sources.place(of: range) }
}
