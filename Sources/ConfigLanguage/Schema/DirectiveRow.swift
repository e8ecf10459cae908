/// One row of the language: what a directive is called, where it stands, what follows it, and what it is for.
public final class DirectiveRow: Sendable {
  /// How often a directive stands in its block.
  public enum Cardinality: Sendable {
    /// At most once.
    case optional
    /// Exactly once.
    case required
    /// As often as wanted.
    case many
    /// Once or more.
    case atLeastOnce
    /// As often as wanted, each time with another first value.
    case named
  }

  /// The kind of block it stands in; empty for the top level.
  public let kind: String
  /// Its name.
  public let name: String
  /// What may follow the name: the first form whose keyword fits is taken, the last one otherwise.
  public let forms: [[Argument]]
  /// How often it stands there.
  public let cardinality: Cardinality
  /// The kind of block it opens; `nil` when it has none.
  public let block: String?
  /// Whether it may stand without its block.
  public let isBlockOptional: Bool
  /// Whether a `defaults` block may hold it.
  public let isDefaultable: Bool
  /// What holds when it is absent.
  public let absent: String?
  /// What it does, in one line.
  public let help: String

  /// A row of several forms.
  public init(
    in kind: String, _ name: String, forms: [[Argument]], _ cardinality: Cardinality = .optional, block: String? = nil,
    isBlockOptional: Bool = false, isDefaultable: Bool = true, absent: String? = nil, help: String
  ) {
    self.kind = kind
    self.name = name
    self.forms = forms
    self.cardinality = cardinality
    self.block = block
    self.isBlockOptional = isBlockOptional
    self.isDefaultable = isDefaultable
    self.absent = absent
    self.help = help
  }

  /// A row of one form.
  public convenience init(
    in kind: String, _ name: String, _ form: [Argument] = [], _ cardinality: Cardinality = .optional,
    block: String? = nil, isBlockOptional: Bool = false, isDefaultable: Bool = true, absent: String? = nil, help: String
  ) {
    self.init(
      in: kind, name, forms: [form], cardinality, block: block, isBlockOptional: isBlockOptional,
      isDefaultable: isDefaultable,
      absent: absent, help: help)
  }

  /// How each form is written, such as `backend ADDRESS [weight N]`.
  public var usages: [String] {
    let body = block == nil ? "" : isBlockOptional ? " [{…}]" : " {…}"
    return forms.map { form in ([name] + form.map(\.usage)).joined(separator: " ") + body }
  }
}

/// A piece of what follows a directive's name: values first, then labelled extras in any order.
public enum Argument: Sendable {
  /// This very word.
  case keyword(String)
  /// One value, called `label` in messages.
  case value(_ label: String, ValueType)
  /// Values up to the first extra, at least `atLeast`.
  case list(_ label: String, ValueType, atLeast: Int)
  /// A keyword and its value.
  case extra(_ keyword: String, _ label: String, ValueType, isRequired: Bool)
  /// A keyword, one of some words, and the value that word asks for, if it does.
  case kind(_ keyword: String, [Kind])
  /// A keyword that stands for itself.
  case flag(_ keyword: String)

  /// A word behind the keyword of `kind`.
  public struct Kind: Sendable {
    /// The word.
    public let word: String
    /// What the value behind it is called; `nil` when there is none.
    public let label: String?

    /// The word `word`, with a value called `label` behind it.
    public init(_ word: String, _ label: String? = nil) {
      self.word = word
      self.label = label
    }

    var usage: String { [word, label].compactMap { $0 }.joined(separator: " ") }
  }

  /// An extra that may be left out.
  public static func extra(_ keyword: String, _ label: String, _ type: ValueType) -> Argument {
    .extra(keyword, label, type, isRequired: false)
  }

  /// The piece as it is written in a usage line.
  var usage: String {
    switch self {
    case .keyword(let word): word
    case .value(let label, let type): type.alternatives ?? label
    case .list(let label, _, let least): least == 0 ? "[\(label)…]" : "\(label)…"
    case .extra(let keyword, let label, let type, let isRequired):
      isRequired ? "\(keyword) \(type.alternatives ?? label)" : "[\(keyword) \(type.alternatives ?? label)]"
    case .kind(let keyword, let kinds): "[\(keyword) \(kinds.map(\.usage).joined(separator: "|"))]"
    case .flag(let keyword): "[\(keyword)]"
    }
  }

  /// The word that announces the piece, if it is an extra.
  var extraKeyword: String? {
    switch self {
    case .extra(let keyword, _, _, _), .kind(let keyword, _), .flag(let keyword): keyword
    case .keyword, .value, .list: nil
    }
  }
}
