public import Engine

/// How a line of the access log looks.
public enum AccessLogFormat: String, Sendable, CaseIterable {
  /// One JSON object a line.
  case json
  /// The combined format of NCSA, as nginx writes it.
  case combined
  /// `key=value` pairs; values with anything unusual in them are quoted and escaped as in JSON.
  case logfmt
}

/// Turns access records into lines.
///
/// One writer's own: it remembers the last second and keeps memory for a line.
public struct AccessLogFormatter: Sendable {
  /// Bytes of a text that are written; the rest is cut.
  public static let textBound = 1_024
  /// Bytes that a line can't exceed: six for each byte of each text, and names, numbers and times.
  static let lineBound = 6 * textBound * AccessText.allCases.count + 2_048

  private let format: AccessLogFormat
  private var time = LineTime()
  private var scratch = [UInt8](repeating: 0, count: lineBound)

  /// A formatter of lines in `format`.
  public init(format: AccessLogFormat) { self.format = format }

  /// Adds the line of `record` to `lines`; `texts` gives its texts, empty ones are absent.
  public mutating func append(
    _ record: AccessRecord, texts: (AccessText) -> UnsafeBufferPointer<UInt8>, to lines: inout [UInt8]
  ) {
    let format = self.format
    scratch.withUnsafeMutableBufferPointer { memory in
      var line = LineWriter(memory.baseAddress!)
      func text(_ text: AccessText) -> UnsafeBufferPointer<UInt8> {
        let whole = texts(text)
        return UnsafeBufferPointer(start: whole.baseAddress, count: min(whole.count, AccessLogFormatter.textBound))
      }
      switch format {
      case .json: line.appendJSON(record, &time, text)
      case .combined: line.appendCombined(record, &time, text)
      case .logfmt: line.appendLogfmt(record, &time, text)
      }
      lines.append(contentsOf: UnsafeBufferPointer(start: memory.baseAddress, count: line.count))
    }
  }
}
