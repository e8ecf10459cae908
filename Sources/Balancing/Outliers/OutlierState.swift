public import Primitives

/// How requests fare at one backend, as far as it speaks for or against the backend: failures count only as a row that no
/// success breaks, and only once several tenants have part in it. One tenant's requests, whatever is wrong with them, never
/// take a backend from the others.
public struct OutlierState: Sendable, BitwiseCopyable {
  private var failures: Int32 = 0
  private var tenants = SIMD8<Int32>(repeating: -1)
  private var tenantCount = 0
  private var lastFailure = Instant.distantPast
  private var ejections: Int64 = 0
  private var returned = Instant.distantPast
  /// Until when it is out; `distantPast` when it is not.
  public private(set) var ejectedUntil = Instant.distantPast

  /// A backend of which nothing is known.
  public init() {}

  /// Whether it is out.
  public var isEjected: Bool { ejectedUntil != .distantPast }

  /// A request of a tenant failed; returns whether the backend is an outlier now.
  public mutating func failed(_ tenant: Int32, _ rules: OutlierRules, at now: Instant) -> Bool {
    guard !isEjected else { return false }
    if now - lastFailure > OutlierRules.window { forgetRow() }
    lastFailure = now
    failures = min(failures &+ 1, rules.failures)
    note(tenant)
    return failures >= rules.failures && tenantCount >= Int(rules.tenants)
  }

  /// A request succeeded, whoever's it was.
  public mutating func succeeded() { forgetRow() }

  private mutating func note(_ tenant: Int32) {
    guard tenantCount < OutlierRules.mostTenants else { return }
    for place in 0..<tenantCount where tenants[place] == tenant { return }
    tenants[tenantCount] = tenant
    tenantCount += 1
  }

  private mutating func forgetRow() {
    failures = 0
    tenantCount = 0
  }

  /// Takes it out; returns for how many nanoseconds. Each span of an ejection that it was in before counts one off.
  public mutating func eject(_ rules: OutlierRules, at now: Instant) -> Int64 {
    let span = max(1, rules.ejection)
    let good = returned == .distantPast ? 0 : max(0, now - returned) / span
    ejections = max(0, ejections - good) + 1
    let (time, isTooLong) = span.multipliedReportingOverflow(by: ejections)
    let length = min(isTooLong ? .max : time, max(span, OutlierRules.longest))
    ejectedUntil = now.advanced(by: length)
    forgetRow()
    return length
  }

  /// Puts it back.
  public mutating func readmit(at now: Instant) {
    guard isEjected else { return }
    ejectedUntil = .distantPast
    returned = now
    forgetRow()
  }
}
