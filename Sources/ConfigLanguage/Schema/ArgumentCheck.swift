/// Reads what follows a directive's name by the forms of its row.
struct ArgumentCheck {
  let row: DirectiveRow
  let diagnostics: DiagnosticCollector

  private var reader: ValueReader { ValueReader(diagnostics: diagnostics) }

  init(row: DirectiveRow, diagnostics: DiagnosticCollector) {
    self.row = row
    self.diagnostics = diagnostics
  }

  /// Reads the words of `statement` and gives the good values to `directive`.
  func read(_ statement: Statement, into directive: inout Directive) {
    guard let form = chooseForm(statement.words) else { return }
    directive.form = form
    let arguments = row.forms[form]
    var words = statement.words.dropFirst()
    for argument in arguments where argument.extraKeyword == nil {
      guard readPositional(argument, &words, arguments, statement, into: &directive) else { return }
    }
    readExtras(arguments, &words, statement, into: &directive)
  }

  /// The form whose keyword stands after the name; the one without keyword otherwise.
  private func chooseForm(_ words: [Word]) -> Int? {
    guard row.forms.count > 1 else { return 0 }
    var keywords: [String] = []
    for (index, form) in row.forms.enumerated() {
      guard case .keyword(let keyword)? = form.first else { return index }
      if words.count > 1, words[1].text == keyword { return index }
      keywords.append(keyword)
    }
    guard words.count > 1 else {
      complainMissing(keywords.map { "'\($0)'" }.joined(separator: " or "), words[0].range)
      return nil
    }
    if words[1].isBroken { return nil }
    diagnostics.error(
      "\(words[1].shown) is not one of \(keywords.joined(separator: ", "))", at: words[1].range,
      suggestion: Suggestion.text(for: words[1].text, among: keywords))
    return nil
  }

  /// Reads one piece that isn't an extra; false when the rest of the line can't be read without it.
  private func readPositional(
    _ argument: Argument, _ words: inout ArraySlice<Word>, _ form: [Argument], _ statement: Statement,
    into directive: inout Directive
  ) -> Bool {
    switch argument {
    case .keyword(let keyword):
      guard let word = words.popFirst() else { return missing("'\(keyword)'", statement) }
      if word.isBroken { return false }
      if word.text != keyword {
        diagnostics.error(
          "\(word.shown) stands where '\(keyword)' is due", at: word.range,
          suggestion: Suggestion.text(for: word.text, among: [keyword]) ?? row.usages[directive.form])
        return false
      }
    case .value(let label, let type):
      guard let word = words.popFirst() else { return missing(label, statement) }
      if let value = reader.read(word, as: type, label: label) { directive.values.append(value) }
    case .list(let label, let type, let least):
      var count = 0
      while let word = words.first, word.isQuoted || !form.contains(where: { $0.extraKeyword == word.text }) {
        words.removeFirst()
        count += 1
        if let value = reader.read(word, as: type, label: label) { directive.values.append(value) }
      }
      if count < least { return missing(label, statement) }
    case .extra, .kind, .flag: break
    }
    return true
  }

  private func readExtras(
    _ form: [Argument], _ words: inout ArraySlice<Word>, _ statement: Statement, into directive: inout Directive
  ) {
    var seen: Set<String> = []
    while let word = words.popFirst() {
      guard let argument = form.first(where: { $0.extraKeyword == word.text }), let keyword = argument.extraKeyword
      else {
        complainStray(word, form.compactMap(\.extraKeyword).filter { !seen.contains($0) })
        return
      }
      if !seen.insert(keyword).inserted { diagnostics.error("'\(keyword)' is given twice", at: word.range) }
      switch argument {
      case .extra(_, let label, let type, _):
        guard let valueWord = next(&words, behind: word, label, directive) else { return }
        if let value = reader.read(valueWord, as: type, label: label) {
          directive.values.append(value.labelled(keyword))
        }
      case .kind(_, let kinds): guard readKind(kinds, word, &words, into: &directive) else { return }
      case .flag: directive.values.append(Value(label: keyword, word: word))
      case .keyword, .value, .list: break
      }
    }
    for case .extra(let keyword, let label, _, true) in form where !seen.contains(keyword) {
      complainMissing("'\(keyword) \(label)'", statement.range)
    }
  }

  /// The word behind `keyword`; says so when there is none.
  private func next(
    _ words: inout ArraySlice<Word>, behind keyword: Word, _ label: String, _ directive: Directive
  ) -> Word? {
    if let word = words.popFirst() { return word }
    diagnostics.error(
      "'\(keyword.text)' needs \(label)", at: keyword.range, suggestion: row.usages[directive.form])
    return nil
  }

  /// Reads the word behind the keyword of a kind, and the value behind that; false when the rest of the line can't be read.
  private func readKind(
    _ kinds: [Argument.Kind], _ keyword: Word, _ words: inout ArraySlice<Word>, into directive: inout Directive
  ) -> Bool {
    let names = kinds.map(\.word)
    guard let word = next(&words, behind: keyword, names.joined(separator: " or "), directive) else { return false }
    guard let value = reader.read(word, as: .choice(names), label: keyword.text),
      let kind = kinds.first(where: { $0.word == word.text })
    else { return false }
    directive.values.append(value)
    guard let label = kind.label else { return true }
    guard let valueWord = next(&words, behind: word, label, directive) else { return false }
    if let value = reader.read(valueWord, as: .word, label: label) { directive.values.append(value) }
    return true
  }

  private func complainStray(_ word: Word, _ keywords: [String]) {
    if word.isBroken { return }
    if keywords.isEmpty {
      diagnostics.error("\(word.shown) is one word too many", at: word.range, suggestion: usage)
    } else {
      diagnostics.error(
        "\(word.shown) is not understood here", at: word.range,
        suggestion: Suggestion.text(for: word.text, among: keywords) ?? usage)
    }
  }

  private var usage: String { row.usages.joined(separator: ", or: ") }

  private func missing(_ what: String, _ statement: Statement) -> Bool {
    complainMissing(what, statement.range)
    return false
  }

  private func complainMissing(_ what: String, _ range: SourceRange) {
    diagnostics.error("'\(row.name)' needs \(what)", at: range, suggestion: usage)
  }
}

extension Value {
  /// The same value under another label.
  fileprivate func labelled(_ label: String) -> Value {
    var value = self
    value.label = label
    return value
  }
}
