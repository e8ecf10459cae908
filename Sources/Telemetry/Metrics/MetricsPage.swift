import Engine

/// A scrape in the making: families, samples, label escaping.
struct MetricsPage {
  /// What a family counts.
  enum Kind: String {
    case counter, gauge, histogram
  }

  private(set) var bytes: [UInt8] = []
  private let isOpenMetrics: Bool
  /// The family that samples belong to.
  private var family = ""

  init(_ format: MetricsText.Format) {
    isOpenMetrics = format == .openMetrics
    bytes.reserveCapacity(64 << 10)
  }

  /// Begins a family. `name` is that of its samples: OpenMetrics calls a counter's family by it without `_total`.
  mutating func begin(_ name: String, _ kind: Kind, _ help: String) {
    family = name
    let title = isOpenMetrics && kind == .counter && name.hasSuffix("_total") ? String(name.dropLast(6)) : name
    append("# HELP \(title) \(help)\n# TYPE \(title) \(kind.rawValue)\n")
  }

  /// A sample of the family; `labels` as `Labels` writes them.
  mutating func sample(_ labels: Labels = Labels(), _ value: UInt64) { sample("", labels, "\(value)") }

  /// A sample of the family.
  mutating func sample(_ labels: Labels = Labels(), _ value: Int) { sample("", labels, "\(value)") }

  /// A sample of the family.
  mutating func sample(_ labels: Labels = Labels(), _ value: Double) { sample("", labels, MetricsPage.text(value)) }

  /// The samples of one histogram of the family.
  mutating func histogram(_ labels: Labels, _ histogram: HistogramSnapshot) {
    var total: UInt64 = 0
    for (bound, count) in zip(HistogramSnapshot.bounds, histogram.buckets) {
      total &+= count
      sample("_bucket", labels.and("le", bucketBound(bound)), "\(total)")
    }
    for count in histogram.buckets.dropFirst(HistogramSnapshot.bounds.count) { total &+= count }
    sample("_bucket", labels.and("le", "+Inf"), "\(total)")
    sample("_sum", labels, MetricsPage.text(histogram.sum))
    sample("_count", labels, "\(total)")
  }

  /// Adds text as it is.
  mutating func append(_ text: String) { bytes.append(contentsOf: text.utf8) }

  private mutating func sample(_ suffix: String, _ labels: Labels, _ value: String) {
    append(family)
    append(suffix)
    if !labels.text.isEmpty {
      append("{")
      append(labels.text)
      append("}")
    }
    append(" ")
    append(value)
    append("\n")
  }

  /// OpenMetrics wants bounds in their canonical form, `1.0`; Prometheus clients always wrote `1`.
  private func bucketBound(_ bound: Double) -> String {
    let text = MetricsPage.text(bound)
    return !isOpenMetrics && text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }

  private static func text(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
    return "\(value)"
  }
}

/// The labels of a sample, escaped.
struct Labels {
  private(set) var text = ""

  init() {}

  /// One label.
  init(_ name: String, _ value: String) { text = "\(name)=\"\(Labels.escaped(value))\"" }

  /// These labels and one more.
  func and(_ name: String, _ value: String) -> Labels {
    var labels = Labels(name, value)
    if !text.isEmpty { labels.text = text + "," + labels.text }
    return labels
  }

  /// Both formats escape backslash, quote and line feed, and nothing else.
  static func escaped(_ value: String) -> String {
    guard value.utf8.contains(where: { $0 == 0x5C || $0 == 0x22 || $0 == 0x0A }) else { return value }
    var text = ""
    for scalar in value.unicodeScalars {
      switch scalar {
      case "\\": text += "\\\\"
      case "\"": text += "\\\""
      case "\n": text += "\\n"
      default: text.unicodeScalars.append(scalar)
      }
    }
    return text
  }
}
