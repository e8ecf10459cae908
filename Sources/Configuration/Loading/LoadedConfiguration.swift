public import ConfigLanguage
public import Engine
public import Primitives

/// What became of loading a configuration.
public enum LoadOutcome: Sendable {
  /// It can be used.
  case loaded(LoadedConfiguration)
  /// It can't; the report says why, and nothing has changed.
  case refused(DiagnosticReport)
}

/// A configuration that can be used.
public struct LoadedConfiguration: Sendable {
  /// What the data plane is told.
  public var blueprint: Blueprint
  /// What the process around it is told.
  public var process: ProcessSettings
  /// Doubts that keep nobody from using it.
  public var warnings: DiagnosticReport
  /// What was written where, for `explain`. Holds the whole text: drop it when nothing is to be explained.
  public var provenance: Provenance
  /// Reads further tenants by what is declared here.
  public var reader: TenantReader
  /// What is declared of tenants beside whose declaration something else stands.
  public var declared: [String: DeclaredTenant]
}

extension LoadedConfiguration {
  /// The report that the access log can't be written where it was asked for, and why.
  public func report(unwritableAccessLog reason: String) -> DiagnosticReport {
    let diagnostics = DiagnosticCollector()
    if let word = provenance.directives.first(where: { $0.row.name == "access-log" })?.values.first?.word {
      diagnostics.error("\(word.shown) can't be written: \(reason)", at: word.range)
    }
    return diagnostics.report(in: provenance.sources)
  }
}

/// What the process around the data plane is told.
public struct ProcessSettings: Sendable {
  /// Where metrics and health are served; empty is nowhere.
  public var metrics: [Endpoint] = []
  /// Tenants that have metrics of their own; the others are summed up.
  public var metricsTenants = 500
  /// Where the access log goes.
  public var accessLog = AccessLogTarget.off
  /// How a line of the access log looks.
  public var accessLogFormat = AccessLogForm.json
  /// Whether tenants may be made by the admin API.
  public var hasStore = false
  /// The folder of what outlives the process; `nil` keeps nothing.
  public var state: String?
  /// Where the admin API is served.
  public var admin = AdminSettings()
  /// The files that were read: the configuration, its includes and its tables.
  public var files: [String] = []

  /// The defaults of the language.
  public init() {}
}

/// Where the access log goes.
public enum AccessLogTarget: Sendable, Equatable {
  /// Nowhere.
  case off
  /// To the standard output.
  case standardOutput
  /// To the file at this path.
  case file(String)
}

/// How a line of the access log looks.
public enum AccessLogForm: String, Sendable, CaseIterable {
  /// One JSON object a line.
  case json
  /// The combined log format of NCSA and nginx.
  case combined
  /// `key=value` pairs.
  case logfmt
}
