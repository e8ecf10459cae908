import Primitives

extension Worker where N: ~Copyable {
  /// Notes whether the plan of an exchange's tenant has timeouts of its own.
  @inline(never)
  mutating func noteTimeouts(_ exchange: UnsafeMutablePointer<Exchange>) {
    if planTimeouts(exchange) != nil { exchange.pointee.flags.insert(.hasTimeouts) }
  }

  private mutating func planTimeouts(_ exchange: UnsafeMutablePointer<Exchange>) -> Timeouts? {
    let tenant = exchange.pointee.tenant
    guard tenant >= 0 else { return nil }
    let plan = Int(view.directory._withUnsafeGuaranteedRef { $0.plan(of: tenant) })
    guard plan >= 0, plan < view.planTimeoutCount, view.planTimeouts[plan].isOwn else { return nil }
    return view.planTimeouts[plan].timeouts
  }

  /// What holds for an exchange: its plan's, or what holds for all.
  @inline(never)
  private mutating func ownTimeouts(_ exchange: UnsafeMutablePointer<Exchange>) -> Timeouts {
    planTimeouts(exchange) ?? view.timeouts
  }

  /// Nanoseconds from a request's last byte to the response head.
  @inline(__always)
  mutating func responseTimeout(_ exchange: UnsafeMutablePointer<Exchange>) -> Int64 {
    exchange.pointee.flags.contains(.hasTimeouts) ? ownTimeouts(exchange).response : view.timeouts.response
  }

  /// Nanoseconds without a byte either way, on tunnels and streams.
  @inline(__always)
  mutating func idleTimeout(_ exchange: UnsafeMutablePointer<Exchange>) -> Int64 {
    exchange.pointee.flags.contains(.hasTimeouts) ? ownTimeouts(exchange).idle : view.timeouts.idle
  }

  /// Nanoseconds until a backend accepts a connection.
  @inline(__always)
  mutating func connectTimeout(_ exchange: UnsafeMutablePointer<Exchange>) -> Int64 {
    exchange.pointee.flags.contains(.hasTimeouts) ? ownTimeouts(exchange).connect : view.timeouts.connect
  }
}
