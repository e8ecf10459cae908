import HTTP
import Primitives

extension Worker where N: ~Copyable {
  /// Notes the timeouts that the plan of an exchange's tenant has of its own, for all requests or for this one's path.
  @inline(never)
  mutating func noteTimeouts(
    _ exchange: UnsafeMutablePointer<Exchange>, _ base: UnsafePointer<UInt8>, _ head: RequestHead
  ) {
    let tenant = exchange.pointee.tenant
    guard tenant >= 0 else { return }
    let plan = Int(view.directory._withUnsafeGuaranteedRef { $0.plan(of: tenant) })
    guard plan >= 0, plan < view.planTimeoutCount else { return }
    let entry = view.planTimeouts[plan]
    var timeouts = entry.timeouts
    for place in Int(entry.firstRoute)..<Int(entry.firstRoute + entry.routeCount) {
      let route = view.routeTimeouts[place]
      guard LimitPath.begins(base + Int(head.path.start), head.path.count, with: route.path) else { continue }
      timeouts = route.timeouts
      break
    }
    guard !timeouts.isEmpty else { return }
    exchange.pointee.timeouts = timeouts
    exchange.pointee.flags.insert(.hasTimeouts)
  }

  /// What holds for an exchange that has timeouts of its own.
  @inline(never)
  private mutating func time(
    _ step: PlanTimeouts.Step, _ exchange: UnsafeMutablePointer<Exchange>, else common: Int64
  ) -> Int64 {
    exchange.pointee.timeouts[step] ?? common
  }

  /// Nanoseconds from a request's last byte to the response head.
  @inline(__always)
  mutating func responseTimeout(_ exchange: UnsafeMutablePointer<Exchange>) -> Int64 {
    let common = view.timeouts.response
    return exchange.pointee.flags.contains(.hasTimeouts) ? time(.response, exchange, else: common) : common
  }

  /// Nanoseconds without a byte either way, on tunnels and streams.
  @inline(__always)
  mutating func idleTimeout(_ exchange: UnsafeMutablePointer<Exchange>) -> Int64 {
    let common = view.timeouts.idle
    return exchange.pointee.flags.contains(.hasTimeouts) ? time(.idle, exchange, else: common) : common
  }

  /// Nanoseconds until a backend accepts a connection.
  @inline(__always)
  mutating func connectTimeout(_ exchange: UnsafeMutablePointer<Exchange>) -> Int64 {
    let common = view.timeouts.connect
    return exchange.pointee.flags.contains(.hasTimeouts) ? time(.connect, exchange, else: common) : common
  }
}
