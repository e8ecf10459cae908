import Primitives

/// How long the tenants of a plan wait for backends, as the data path reads it.
struct PlanTimeoutEntry: BitwiseCopyable {
  /// What holds where no route says otherwise.
  var timeouts: PlanTimeouts
  /// Its routes among those of the image, the longest path first.
  var firstRoute: Int32
  var routeCount: Int32
}

/// Timeouts of the requests of a plan whose path begins with `path`.
struct RouteTimeoutEntry: BitwiseCopyable {
  var path: NameBytes
  var timeouts: PlanTimeouts
}

/// The timeouts that plans have of their own, as the data path reads them. Immutable.
final class TimeoutImage: @unchecked Sendable {
  // Unchecked: all memory is written in `init` and only read afterwards.
  /// The plans, by index; none when no plan has its own.
  let plans: UnsafeMutablePointer<PlanTimeoutEntry>
  let planCount: Int
  let routes: UnsafeMutablePointer<RouteTimeoutEntry>
  private let routeCount: Int

  init(_ blueprint: Blueprint) {
    let timeouts = blueprint.planTimeouts
    planCount = timeouts.allSatisfy(\.isEmpty) ? 0 : timeouts.count
    plans = .allocate(capacity: max(1, planCount))
    routeCount = timeouts.reduce(0) { $0 + $1.routes.count }
    routes = .allocate(capacity: max(1, routeCount))
    var next = 0
    for (index, plan) in timeouts.prefix(planCount).enumerated() {
      plans[index] = PlanTimeoutEntry(
        timeouts: plan.timeouts, firstRoute: Int32(next), routeCount: Int32(plan.routes.count))
      for route in plan.routes.sorted(by: { $0.path.utf8.count > $1.path.utf8.count }) {
        let bytes = UnsafeMutablePointer<UInt8>.allocate(capacity: max(1, route.path.utf8.count))
        for (place, byte) in route.path.utf8.enumerated() { bytes[place] = byte }
        routes[next] = RouteTimeoutEntry(
          path: NameBytes(bytes: UnsafePointer(bytes), count: route.path.utf8.count),
          timeouts: route.timeouts.filled(from: plan.timeouts))
        next += 1
      }
    }
  }

  deinit {
    for place in 0..<routeCount { routes[place].path.bytes.deallocate() }
    routes.deallocate()
    plans.deallocate()
  }
}
