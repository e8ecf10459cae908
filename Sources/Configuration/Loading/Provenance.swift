import ConfigLanguage

/// What a configuration says where, kept for explanations.
public struct Provenance: Sendable {
  /// The files that were read; tables are here by name only, without their text.
  let sources: SourceSet
  /// The directives of the top level.
  let directives: [Directive]
  /// The places of `tenant` blocks among them, by the tenant's name.
  private let blocks: [String: Int]

  init(sources: SourceSet, directives: [Directive]) {
    self.sources = sources
    self.directives = directives
    var blocks: [String: Int] = [:]
    for (place, directive) in directives.enumerated() where directive.row.name == "tenant" {
      if let id = directive["id"]?.text, blocks[id] == nil { blocks[id] = place }
    }
    self.blocks = blocks
  }

  /// The block of a tenant; `nil` when no block declares it.
  func block(of tenant: String) -> Directive? { blocks[tenant].map { directives[$0] } }

  /// The lines of a tenant's block that set something in place of its plan's; `nil` when no block declares it.
  func overrides(of tenant: String) -> [TenantOverride]? {
    guard let block = block(of: tenant) else { return nil }
    var overrides: [TenantOverride] = []
    for line in block.children where !TenantOverride.settled.contains(line.row.name) {
      let end = line.range.start + Int(line.range.count)
      let bytes = sources.files[Int(line.range.file)].bytes[(line.range.start + Int(line.name.range.count))..<end]
      let text = String(decoding: bytes.drop { $0 == 0x20 || $0 == 0x09 }, as: UTF8.self)
      if let place = overrides.firstIndex(where: { $0.name == line.row.name }) {
        overrides[place].lines.append(text)
      } else {
        overrides.append(TenantOverride(name: line.row.name, lines: [text]))
      }
    }
    return overrides
  }

  /// The name of file number `file`, as in `TenantDirectory.source(of:)`.
  public func fileName(_ file: Int) -> String {
    sources.files.indices.contains(file) ? sources.files[file].name : "?"
  }

  /// The place of `range` as `file:line`.
  func place(of range: SourceRange) -> String { sources.place(of: range) }
}
