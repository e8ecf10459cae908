/// Makes a tree of directives from the lines of a file and of those it includes.
public struct Parser {
  /// The deepest nesting of blocks.
  public static let deepest = 16
  /// The longest chain of files including files.
  public static let longestChain = 16
  /// The most files of one configuration.
  public static let mostFiles = 10_000
  /// The most bytes of one file.
  public static let largestFile = 256 << 20

  private let access: SourceAccess
  private let environment: [String: String]
  private let diagnostics: DiagnosticCollector
  private var chain: [String] = []
  /// The files read so far.
  public private(set) var sources = SourceSet()

  /// A parser that reaches files by `access` and reports to `diagnostics`.
  public init(access: SourceAccess, environment: [String: String], diagnostics: DiagnosticCollector) {
    self.access = access
    self.environment = environment
    self.diagnostics = diagnostics
  }

  /// The directives of the file at `path`, with those of included files in their places.
  public mutating func parse(path: String) -> [Statement] {
    switch access.read(path) {
    case .bytes(let bytes): return parse(bytes, name: path)
    case .failed(let reason):
      diagnostics.error("can't be read: \(reason)", file: path)
      return []
    }
  }

  private mutating func parse(_ bytes: [UInt8], name: String) -> [Statement] {
    guard bytes.count <= Parser.largestFile else {
      diagnostics.error("the file is larger than \(Parser.largestFile >> 20) MiB", file: name)
      return []
    }
    chain.append(access.identify(name))
    defer { chain.removeLast() }
    let file = sources.add(SourceFile(name: name, bytes: bytes))
    var lexer = Lexer(bytes, file: file, environment: environment, diagnostics: diagnostics)
    var nest = BlockNest(diagnostics: diagnostics)
    while let words = lexer.nextLine() {
      if words[0].text == "include" {
        for statement in include(words, from: name) { nest.append(statement) }
      } else {
        nest.add(words)
      }
    }
    return nest.finish()
  }

  /// The directives of the files that an `include` line names.
  private mutating func include(_ words: [Word], from name: String) -> [Statement] {
    guard words.count == 2 else {
      let place = words.count > 2 ? words[2].range : words[0].range
      diagnostics.error("'include' takes one path or pattern", at: place, suggestion: "include GLOB")
      return []
    }
    if words[1].isBroken { return [] }
    let path = SourceAccess.path(words[1].text, besides: name)
    guard SourceAccess.isPattern(path) else { return include(path, shown: words[1].shown, at: words[1]) }
    return access.match(path).flatMap { include($0, shown: Word.shown($0), at: words[1]) }
  }

  private mutating func include(_ path: String, shown: String, at word: Word) -> [Statement] {
    if chain.contains(access.identify(path)) {
      diagnostics.error("\(shown) includes itself", at: word.range)
      return []
    }
    guard chain.count < Parser.longestChain else {
      diagnostics.error("more than \(Parser.longestChain) files include each other", at: word.range)
      return []
    }
    guard sources.files.count < Parser.mostFiles else {
      diagnostics.error("a configuration may have \(Parser.mostFiles) files", at: word.range)
      return []
    }
    switch access.read(path) {
    case .bytes(let bytes): return parse(bytes, name: path)
    case .failed(let reason):
      diagnostics.error("\(shown) can't be read: \(reason)", at: word.range)
      return []
    }
  }
}
