import ConfigLanguage
import Engine
import Tenancy

extension Draft {
  /// The most plans: a tenant keeps its plan's number in 16 bits.
  static let mostPlans = 32_000

  /// Reads the plans, and gives them numbers by which tenants name them.
  mutating func readPlans() {
    for section in sections("plan") {
      guard let name = section.directive["name"], planNumbers[name.text] == nil else { continue }
      guard plans.count < Draft.mostPlans else {
        diagnostics.error("there may be \(Draft.mostPlans) plans", at: name.word.range)
        return
      }
      planNumbers[name.text] = plans.count
      let rule = rate(plainRequests(section)).map { TokenBucketRule($0) } ?? TokenBucketRule()
      var limits = TenantLimits(
        requests: rule, concurrency: concurrency(section.first("concurrency")) ?? 0,
        scheduling: scheduling(of: section).applied(to: SchedulingTerms()))
      var policy = processPolicy
      read(section, into: &policy)
      if let pool = section.first("pool-requests"), let rate = rate(pool) {
        policy.insert(RequestLimit(.pool(plan: name.text), rate, isShadow: pool["shadow"] != nil))
      }
      limits.policy = place(of: policy, name.word.range)
      let region = section.value("region", "NAME").flatMap(region) ?? 0
      plans.append(
        DraftPlan(name: name.text, limits: limits, timeouts: timeouts(of: section), region: region, policy: policy))
    }
  }

  /// The rate that a `requests` line sets.
  func rate(_ directive: Directive?) -> RequestRate? {
    guard let rate = directive?["RATE"] else { return nil }
    return RequestRate(count: rate.number, period: rate.period, burst: directive?["burst"]?.number ?? rate.number)
  }

  /// The bound that a `concurrency` line sets.
  func concurrency(_ directive: Directive?) -> Int32? {
    (directive?["N"]?.number).map { Int32(clamping: $0) }
  }
}
