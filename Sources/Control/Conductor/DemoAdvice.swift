import Engine
import Primitives

/// What a newcomer may try, once the demo serves.
enum DemoAdvice {
  /// Prints three `curl` lines that fit the first tenants' hosts.
  static func print(for blueprint: Blueprint, at engine: Engine, metrics: [Endpoint]) {
    guard case .tcp(_, let port)? = engine.addresses.first else { return }
    let tenants = blueprint.tenants
    var hosts: [String] = []
    for index in 0..<tenants.capacity where tenants.isLive(Int32(index)) && hosts.count < 3 {
      if let host = tenants.hosts(of: Int32(index)).first(where: { !$0.hasPrefix("*") }) { hosts.append(host) }
    }
    guard let first = hosts.first else { return }
    let second = hosts.count > 1 ? hosts[1] : first
    let third = hosts.count > 2 ? hosts[2] : first
    say("")
    for endpoint in metrics { say("metrics: http://\(endpoint)/metrics") }
    say("Ctrl-C ends it all; try:")
    say("  curl -i -H 'Host: \(first)' http://127.0.0.1:\(port)/")
    say("  curl -i -H 'Host: \(second)' http://127.0.0.1:\(port)/orders")
    say("  curl -i -N -H 'Host: \(third)' http://127.0.0.1:\(port)/stream")
  }
}
