/// Reads one word as a value, or says what is wrong with it.
struct ValueReader {
  /// The most characters of a name.
  static let longestName = 64
  private static let periods: ClosedRange<Int64> = 1_000_000...2_678_400_000_000_000

  let diagnostics: DiagnosticCollector

  /// The value of `word`, called `label`.
  func read(_ word: Word, as type: ValueType, label: String) -> Value? {
    if word.isBroken { return nil }
    guard !word.text.isEmpty else {
      diagnostics.error("the \(label.lowercased()) is empty", at: word.range)
      return nil
    }
    var value = Value(label: label, word: word)
    let isGood =
      switch type {
      case .word: true
      case .name: checkName(word, label)
      case .choice(let words): checkChoice(word, words, label)
      case .count(let bounds): readCount(word, bounds, &value)
      case .countOr(let other, let bounds): word.text == other || readCountOr(word, other, bounds, &value)
      case .duration(let bounds):
        readScaled(word, bounds, Quantity.timeUnits, unit: { $0 < 100 ? "s" : "ms" }, kind: "a span of time", &value) {
          Quantity.text(duration: $0)
        }
      case .size(let bounds):
        readScaled(word, bounds, Quantity.sizeUnits, unit: { _ in "KiB" }, kind: "an amount of bytes", &value) {
          Quantity.text(size: $0)
        }
      case .rate(let bounds): readRate(word, bounds, &value)
      case .byteRate(let bounds): readByteRate(word, bounds, &value)
      case .percent(let bounds): readPercent(word, bounds, &value)
      case .amount(let bounds): readAmount(word, bounds, &value)
      }
    return isGood ? value : nil
  }

  private func checkName(_ word: Word, _ label: String) -> Bool {
    guard word.text.utf8.count <= ValueReader.longestName else {
      diagnostics.error(
        "the \(label.lowercased()) has \(word.text.utf8.count) bytes, \(ValueReader.longestName) are allowed",
        at: word.range)
      return false
    }
    guard word.text.utf8.allSatisfy(\.isNameByte) else {
      diagnostics.error(
        "\(word.shown) is not a valid \(label.lowercased()): letters, digits, '-', '_' and '.' are allowed",
        at: word.range)
      return false
    }
    return true
  }

  private func checkChoice(_ word: Word, _ words: [String], _ label: String) -> Bool {
    if words.contains(word.text) { return true }
    diagnostics.error(
      "\(word.shown) is not one of \(words.joined(separator: ", "))", at: word.range,
      suggestion: Suggestion.text(for: word.text, among: words))
    return false
  }

  private func readCount(_ word: Word, _ bounds: ClosedRange<Int64>, _ value: inout Value) -> Bool {
    guard let number = Quantity.count(word.text) else {
      if let (number, unit) = Quantity.split(word.text), unit.utf8.allSatisfy(\.isNameByte) {
        diagnostics.error(
          "\(word.shown) is not a count", at: word.range, suggestion: "a count has no unit: \(number)")
      } else {
        diagnostics.error("\(word.shown) is not a count", at: word.range)
      }
      return false
    }
    value.number = number
    return check(number, bounds, word) { String($0) }
  }

  private func readCountOr(_ word: Word, _ other: String, _ bounds: ClosedRange<Int64>, _ value: inout Value) -> Bool {
    guard Quantity.split(word.text) == nil else { return readCount(word, bounds, &value) }
    diagnostics.error(
      "\(word.shown) is neither '\(other)' nor a count", at: word.range,
      suggestion: Suggestion.text(for: word.text, among: [other]))
    return false
  }

  private func readScaled(
    _ word: Word, _ bounds: ClosedRange<Int64>, _ units: [(name: String, size: Int64)], unit: (Int64) -> String,
    kind: String, _ value: inout Value, show: (Int64) -> String
  ) -> Bool {
    let names = units.map(\.name).joined(separator: ", ")
    guard let (number, written) = Quantity.split(word.text) else {
      diagnostics.error(
        "\(word.shown) is not \(kind)", at: word.range, suggestion: "a whole number and one of \(names)")
      return false
    }
    guard !written.isEmpty else {
      diagnostics.error(
        "\(word.shown) has no unit", at: word.range, suggestion: "did you mean '\(number)\(unit(number))'?")
      return false
    }
    guard written.utf8.first != UInt8(ascii: ".") else {
      diagnostics.error("\(word.shown) is not a whole number", at: word.range, suggestion: "write it in a smaller unit")
      return false
    }
    guard let size = units.first(where: { $0.name == written })?.size else {
      let meant = ValueReader.unit(like: written, among: units)
      diagnostics.error(
        "'\(Word(written, at: word.range).shown.dropFirst().dropLast())' is not a unit of \(kind)", at: word.range,
        suggestion: meant.map { "did you mean '\(number)\($0)'?" } ?? "the units are \(names)")
      return false
    }
    let (product, isTooMuch) = number.multipliedReportingOverflow(by: size)
    value.number = isTooMuch ? .max : product
    return check(value.number, bounds, word, show)
  }

  private func readRate(_ word: Word, _ bounds: ClosedRange<Int64>, _ value: inout Value) -> Bool {
    if let (count, period) = Quantity.rate(word.text) {
      value.number = count
      value.period = period
      return check(count, bounds, word) { "\($0) per period" }
        && check(period, ValueReader.periods, word) { Quantity.text(duration: $0) }
    }
    if let number = Quantity.count(word.text) {
      diagnostics.error("\(word.shown) has no unit", at: word.range, suggestion: "did you mean '\(number)/s'?")
    } else {
      diagnostics.error(
        "\(word.shown) is not a rate", at: word.range, suggestion: "rates look like 10/s, 600/m or 100/10s")
    }
    return false
  }

  private func readByteRate(_ word: Word, _ bounds: ClosedRange<Int64>, _ value: inout Value) -> Bool {
    guard word.text.hasSuffix("/s"), let size = Quantity.size(String(word.text.dropLast(2))) else {
      diagnostics.error(
        "\(word.shown) is not an amount of bytes a second", at: word.range, suggestion: "write it like 10MiB/s")
      return false
    }
    value.number = size
    return check(size, bounds, word) { Quantity.text(size: $0) + "/s" }
  }

  private func readPercent(_ word: Word, _ bounds: ClosedRange<Int64>, _ value: inout Value) -> Bool {
    guard let (number, unit) = Quantity.split(word.text), unit.isEmpty || unit == "%" else {
      diagnostics.error("\(word.shown) is not a percentage", at: word.range, suggestion: "percentages look like 20%")
      return false
    }
    guard unit == "%" else {
      diagnostics.error("\(word.shown) has no unit", at: word.range, suggestion: "did you mean '\(number)%'?")
      return false
    }
    value.number = number
    return check(number, bounds, word) { "\($0)%" }
  }

  private func readAmount(_ word: Word, _ bounds: ClosedRange<Int64>, _ value: inout Value) -> Bool {
    if Quantity.count(word.text) != nil { return readCount(word, bounds, &value) }
    value.period = 1
    return readScaled(
      word, bounds, Quantity.sizeUnits, unit: { _ in "GiB" }, kind: "a count or an amount of bytes", &value
    ) { Quantity.text(size: $0) }
  }

  /// Whether `number` lies within `bounds`; says so if it doesn't.
  private func check(_ number: Int64, _ bounds: ClosedRange<Int64>, _ word: Word, _ show: (Int64) -> String) -> Bool {
    if bounds.contains(number) { return true }
    let isLow = number < bounds.lowerBound
    diagnostics.error(
      "\(word.shown) is too \(isLow ? "small" : "large")", at: word.range,
      suggestion: isLow ? "the least is \(show(bounds.lowerBound))" : "the most is \(show(bounds.upperBound))")
    return false
  }

  /// The unit that people mean by `text`, such as `MiB` by `MB`, `mb` or `M`.
  private static func unit(like text: String, among units: [(name: String, size: Int64)]) -> String? {
    let small = text.lowercased()
    let spelled = [
      "sec": "s", "secs": "s", "seconds": "s", "min": "m", "mins": "m", "minutes": "m", "hours": "h", "days": "d",
    ]
    return units.map(\.name).first { name in
      let other = name.lowercased()
      return other == small || spelled[small] == name
        || (other.count == 3 && (small == other.prefix(1) || small == other.prefix(1) + "b"))
    }
  }
}

extension UInt8 {
  /// Whether names of tenants, plans and shards may hold the byte.
  public var isNameByte: Bool {
    switch self {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F: true
    default: false
    }
  }
}
