public import Engine

/// The text of a scrape.
public struct MetricsText {
  /// Which of the two text forms.
  public enum Format: Sendable {
    /// Prometheus text 0.0.4.
    case prometheus
    /// OpenMetrics 1.0.
    case openMetrics
  }

  /// Everything that is known, as one scrape's answer.
  ///
  /// - Parameters:
  ///   - droppedLines: access log lines that could not be written, beside those that found their ring full.
  ///   - admin: what is known of the admin API; `nil` when it is served nowhere.
  public static func render(
    _ snapshot: MetricsSnapshot, build: BuildFacts, process: ProcessFacts, reload: ReloadFacts, format: Format,
    droppedLines: UInt64 = 0, admin: AdminFacts? = nil, upgrades: UpgradeFacts = UpgradeFacts()
  ) -> [UInt8] {
    var page = MetricsPage(format)
    page.writeTenants(snapshot)
    page.writeShards(snapshot.shards)
    page.writeSlots(snapshot.shards)
    page.writeTroubles(snapshot.shards)
    page.writeProxy(snapshot, droppedLines: droppedLines)
    page.writeConfiguration(snapshot, reload)
    page.writeUpgrades(upgrades)
    if let admin { page.writeAdmin(admin) }
    page.writeBuild(build)
    page.writeProcess(process)
    if format == .openMetrics { page.append("# EOF\n") }
    return page.bytes
  }
}

/// What is known of the admin API.
public struct AdminFacts: Sendable {
  /// Calls, refused ones too.
  public var calls: UInt64
  /// Of these, callers that were refused for who they are.
  public var refusals: UInt64
  /// Sealed tokens that were used for the first time since the start.
  public var openings: UInt64
  /// Sealed tokens that are open now.
  public var openSeals: Int
  /// Whether the last entry of the audit log could be written.
  public var isAudited: Bool

  /// These facts.
  public init(calls: UInt64, refusals: UInt64, openings: UInt64, openSeals: Int, isAudited: Bool) {
    self.calls = calls
    self.refusals = refusals
    self.openings = openings
    self.openSeals = openSeals
    self.isAudited = isAudited
  }
}

/// What is known of upgrades.
public struct UpgradeFacts: Sendable {
  /// Those that were done, by this process and those before it.
  public var done: UInt64
  /// Those that were not.
  public var failed: UInt64

  /// These facts.
  public init(done: UInt64 = 0, failed: UInt64 = 0) {
    self.done = done
    self.failed = failed
  }
}

/// What `gatehouse_build_info` says.
public struct BuildFacts: Sendable {
  /// The release.
  public var version: String
  /// The compiler's version.
  public var swift: String
  /// The version of the OpenSSL that is loaded.
  public var openSSL: String

  /// A build of these versions.
  public init(version: String, swift: String, openSSL: String) {
    self.version = version
    self.swift = swift
    self.openSSL = openSSL
  }
}

/// How the last change of the configuration went.
public struct ReloadFacts: Sendable {
  /// Whether the last one was put into use; the first start counts.
  public var isSuccessful: Bool
  /// When one last was, in seconds since 1970.
  public var lastSuccess: Double

  /// The outcome of the last change, and the time of the last good one.
  public init(isSuccessful: Bool, lastSuccess: Double) {
    self.isSuccessful = isSuccessful
    self.lastSuccess = lastSuccess
  }
}
