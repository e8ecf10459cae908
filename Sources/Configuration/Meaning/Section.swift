import ConfigLanguage

/// A block together with the defaults of its kind.
struct Section {
  /// The block.
  let directive: Directive
  /// The `defaults` block of its kind, if there is one.
  let defaults: Directive?

  /// The directive `name` of the block, or else of its defaults.
  func first(_ name: String) -> Directive? { directive.child(name) ?? defaults?.child(name) }

  /// The value `label` of the directive `name`.
  func value(_ name: String, _ label: String) -> Value? { first(name)?[label] }

  /// All directives `name` of the block, and those of its defaults.
  func all(_ name: String) -> (own: [Directive], defaults: [Directive]) {
    (directive.children(name), defaults?.children(name) ?? [])
  }
}
