/// Gathers what is wrong over all steps and files of one run, and keeps the first places only.
///
/// Bounded: however much is wrong, a few hundred findings are held; the rest are counted.
public final class DiagnosticCollector {
  /// The most errors that are shown.
  public static let shown = 20
  private static let held = 256

  private struct Finding {
    var severity: Diagnostic.Severity
    var range: SourceRange
    var message: String
    var suggestion: String?
    /// The finding as it is shown, when it came with its own text.
    var shown: Diagnostic?
  }

  private var errors: [Finding] = []
  private var warnings: [Finding] = []
  private var whole: [Diagnostic] = []
  private var worst: SourceRange?
  /// Errors found, shown or not.
  public private(set) var errorCount = 0
  /// Doubts noted, held or not.
  private var warningCount = 0

  /// Nothing found yet.
  public init() {}

  /// Whether nothing is wrong so far; there may be warnings.
  public var isClean: Bool { errorCount == 0 }

  /// Notes an error at `range`. The texts are only made when the error may be shown.
  public func error(
    _ message: @autoclosure () -> String, at range: SourceRange, suggestion: @autoclosure () -> String? = nil
  ) {
    errorCount += 1
    if let worst, !(range < worst) { return }
    errors.append(Finding(severity: .error, range: range, message: message(), suggestion: suggestion()))
    if errors.count == DiagnosticCollector.held { trim() }
  }

  /// Notes an error that comes with its own source line; `range` is its place among the others.
  public func error(_ diagnostic: Diagnostic, at range: SourceRange) {
    errorCount += 1
    if let worst, !(range < worst) { return }
    errors.append(Finding(severity: .error, range: range, message: diagnostic.message, shown: diagnostic))
    if errors.count == DiagnosticCollector.held { trim() }
  }

  /// Notes an error of a file as a whole.
  public func error(_ message: String, file: String, suggestion: String? = nil) {
    errorCount += 1
    if whole.count < DiagnosticCollector.shown {
      whole.append(Diagnostic(.error, message, file: file, suggestion: suggestion))
    }
  }

  /// Counts `count` errors that are not shown one by one.
  public func countErrors(_ count: Int) { errorCount += count }

  /// Notes a doubt at `range`.
  public func warn(_ message: @autoclosure () -> String, at range: SourceRange, suggestion: String? = nil) {
    warningCount += 1
    guard warnings.count < DiagnosticCollector.held else { return }
    warnings.append(Finding(severity: .warning, range: range, message: message(), suggestion: suggestion))
  }

  /// What is to be shown, ordered by place: the first errors if there are any, else the warnings.
  public func report(in sources: SourceSet) -> DiagnosticReport {
    let findings = isClean ? warnings : errors
    let ordered = DiagnosticCollector.ordered(findings)
    let repeated = findings.count - ordered.count
    var report = DiagnosticReport(
      errorCount: isClean ? 0 : errorCount - repeated, warningCount: isClean ? warningCount - repeated : 0)
    report.diagnostics = whole
    for finding in ordered where report.diagnostics.count < DiagnosticCollector.shown {
      let made =
        finding.shown
        ?? Diagnostic(
          finding.severity, finding.message, in: sources.files[Int(finding.range.file)], at: finding.range,
          suggestion: finding.suggestion)
      report.diagnostics.append(made)
    }
    return report
  }

  /// Drops all but the first places, and remembers from which place on nothing can be shown any more.
  private func trim() {
    let ordered = DiagnosticCollector.ordered(errors)
    errorCount -= errors.count - ordered.count
    errors = Array(ordered.prefix(DiagnosticCollector.shown))
    if errors.count == DiagnosticCollector.shown { worst = errors[errors.count - 1].range }
  }

  /// `findings` by place, those of one place in the order they were noted, none twice.
  private static func ordered(_ findings: [Finding]) -> [Finding] {
    let sorted = findings.enumerated().sorted {
      ($0.element.range, $0.offset) < ($1.element.range, $1.offset)
    }
    var result: [Finding] = []
    for (_, finding) in sorted {
      if let last = result.last, last.range == finding.range, last.message == finding.message { continue }
      result.append(finding)
    }
    return result
  }
}
