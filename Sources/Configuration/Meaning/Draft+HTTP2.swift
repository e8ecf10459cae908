import ConfigLanguage
import Engine

extension Draft {
  /// Applies `h2`.
  func readHTTP2(_ limits: inout HTTP2Limits) {
    guard let block = top("h2") else { return }
    if let value = block.child("streams")?["N"] { limits.streams = Int(value.number) }
    if let value = block.child("resets")?["RATE"] {
      limits.resets = value.number
      limits.resetPeriod = value.period
    }
  }

  /// What the block of a listener says is spoken there.
  func protocols(_ directive: Directive) -> ListenerProtocols {
    guard let words = directive.child("protocols")?.all("PROTOCOL") else { return .http1 }
    for (index, value) in words.enumerated() where words[..<index].contains(where: { $0.text == value.text }) {
      diagnostics.error("\(value.word.shown) stands twice", at: value.word.range)
    }
    let names = Set(words.map(\.text))
    return names.count > 1 ? .both : names.contains("h2") ? .http2 : .http1
  }
}
