import Engine
import Primitives

/// Tells why handshakes fail, each reason at most once a minute for each peer, and never too much at a time.
struct HandshakeWatch {
  /// How long a reason is not told again.
  static let pause: Int64 = 60 * .second
  /// Different reasons told within a pause at most.
  static let most = 30

  private struct Known {
    var told: Instant
    /// Failures that were not told of since.
    var untold = 0
  }

  private var known: [String: Known] = [:]

  /// Lines about what failed since the last look.
  mutating func lines(about failures: [HandshakeFailure], at now: Instant) -> [String] {
    guard !failures.isEmpty else { return [] }
    known = known.filter { now - $0.value.told < HandshakeWatch.pause || $0.value.untold > 0 }
    if known.count >= HandshakeWatch.most { known = known.filter { now - $0.value.told < HandshakeWatch.pause } }
    return failures.compactMap { line(about: $0, at: now) }
  }

  private mutating func line(about failure: HandshakeFailure, at now: Instant) -> String? {
    // Clients that come and go, or look whether somebody listens, are nobody's business.
    let isNoise = failure.kind == .closed || failure.kind == .timeout
    guard failure.backend != nil || !isNoise else { return nil }
    let key = (failure.backend.map { "\($0.shard) \($0.name)" } ?? "") + " \(failure.reason)"
    if let last = known[key], now - last.told < HandshakeWatch.pause {
      known[key]?.untold += failure.count
      return nil
    }
    guard known[key] != nil || known.count < HandshakeWatch.most else { return nil }
    let before = known[key]?.untold ?? 0
    known[key] = Known(told: now, untold: failure.count - 1)
    return "TLS handshake \(HandshakeWatch.peer(failure)) failed: \(failure.reason)"
      + (before > 0 ? "; \(before) more since that was last told" : "")
  }

  private static func peer(_ failure: HandshakeFailure) -> String {
    if let backend = failure.backend { return "with backend \(backend.name) of shard \(backend.shard)" }
    return failure.client.map { "of client \($0)" } ?? "of a client"
  }
}
