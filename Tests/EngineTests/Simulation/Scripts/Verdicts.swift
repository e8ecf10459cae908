import Primitives

@testable import Engine

/// What came of a request, as its client saw it.
enum Outcome {
  /// The whole answer of a backend.
  case answered(status: Int, bytes: Int)
  /// The whole answer of the proxy itself.
  case refused(status: Int, code: String)
  /// An answer that began and was visibly cut.
  case cut
  /// The connection came to an end before any answer.
  case unanswered(Excuse)
  /// The client gave up as planned.
  case gaveUp
  /// The tunnel carried everything both ways.
  case tunnelled
  /// Nothing came for longer than anybody should wait.
  case forgotten

  /// Why there may be no answer.
  enum Excuse {
    case none
    /// An answer before it announced the end of the connection.
    case announced
    /// A request behind it broke the connection, and the reset overtook the answer.
    case overtaken
    /// The connection had been idle for about as long as it may be.
    case idle
    /// Nobody listened where the client went.
    case refused
  }
}

/// Who may be answered what.
struct Verdicts {
  /// What a tenant is to the proxy.
  enum Standing {
    case active, limited, suspended, unknown
  }

  let climate: Climate
  /// Bytes of a request body, 0 is unlimited.
  var bodyBound = 0
  /// Whether one that waits for a slot may be refused.
  var shedsWaiting = false
  /// Whether tenants are moved, so that what there is no room to hold may be refused.
  var hasMoves = false
  /// Whether backends close idle connections when they like.
  var hasStaleConnections = false
  /// Whether a backend of HTTP/2 has said that it goes away: what it had not seen then is lost if it has a body.
  var hasGoneAway = false

  /// What is wrong about an outcome, if anything is, of a request whose tenant was any of `standings`.
  func violation(_ plan: RequestPlan, _ outcome: Outcome, _ standings: Set<Standing>) -> String? {
    if let malformation = plan.malformation { return malformed(plan, malformation, outcome, standings) }
    switch outcome {
    case .answered(let status, let bytes):
      if standings.isDisjoint(with: [.active, .limited]) { return "answered by a backend though \(standings)" }
      if status != plan.status { return "answered with \(status), deserved \(plan.status)" }
      let deserved = plan.hasNoBody ? 0 : plan.responseSize
      if bytes != deserved { return "answered with \(bytes) bytes, deserved \(deserved)" }
      switch plan.currentFault {
      case .none, .extraBytes: return nil
      default: return "answered in whole by a backend that did \(plan.currentFault)"
      }
    case .refused(let status, let code): return refusal(plan, standings, status, code)
    case .cut:
      if case .breaksOff = plan.currentFault { return nil }
      return isForgiving(plan) || mayBeCut(plan) ? nil : "its answer was cut"
    case .unanswered(let excuse):
      // A reset may overtake all that was sent before it.
      if case .breaksOff = plan.currentFault { return nil }
      if excuse != .none || isForgiving(plan) || mayBeCut(plan) { return nil }
      return "its connection ended without an answer"
    case .gaveUp: return nil
    case .tunnelled: return plan.wantsUpgrade ? nil : "was tunnelled"
    case .forgotten: return "was forgotten"
    }
  }

  /// A malformed request is refused, and by its body also for what else is wrong with it.
  private func malformed(
    _ plan: RequestPlan, _ malformation: Malformation, _ outcome: Outcome, _ standings: Set<Standing>
  )
    -> String?
  {
    switch outcome {
    case .refused(400, "bad_request"): return nil
    case .refused(let status, let code) where !malformation.isInHead:
      return refusal(plan, standings, status, code)
    case .unanswered where climate == .rough, .cut where climate == .rough, .unanswered(.announced): return nil
    case .gaveUp where plan.isAborted: return nil
    default: return "\(malformation) came to \(outcome)"
    }
  }

  func isTooLong(_ plan: RequestPlan) -> Bool { bodyBound > 0 && !plan.wantsUpgrade && plan.requestSize > bodyBound }

  /// Whether a request may rightly end its connection with a reset, which overtakes answers to those before it.
  func mayBreak(_ plan: RequestPlan) -> Bool { plan.isBrokenOff || isTooLong(plan) && plan.answersEarly }

  /// Whether a request leaves no other way out: it turns out to be too long while it is being answered, or more comes
  /// behind it than anybody listens to who has answered.
  private func mayBeCut(_ plan: RequestPlan) -> Bool {
    if isTooLong(plan), plan.answersEarly { return true }
    guard let link = plan.clientLink else { return false }
    // Answered, and listened to for as long as anybody is, its client still had more to say.
    guard link.hasEnded else { return false }
    return link.closedAt - link.receivedAt >= Limit.linger || link.receivedBehindEnd > Limit.lingerBytes
  }

  /// Whether the world or the client is such that a request may come to nothing.
  private func isForgiving(_ plan: RequestPlan) -> Bool { climate == .rough || plan.isAborted || plan.isStarved }

  private func refusal(_ plan: RequestPlan, _ standings: Set<Standing>, _ status: Int, _ code: String) -> String? {
    let isTroubled = climate == .rough
    let fault = plan.currentFault
    let isDeserved: Bool
    switch (status, code) {
    case (404, "tenant_unknown"): isDeserved = standings.contains(.unknown)
    case (403, "tenant_suspended"): isDeserved = standings.contains(.suspended)
    case (429, "rate_limited"), (429, "concurrency_limited"): isDeserved = standings.contains(.limited)
    case (413, "body_too_large"): isDeserved = isTooLong(plan)
    case (408, "request_timeout"): isDeserved = plan.isSlow || isTroubled
    case (502, "bad_response"):
      switch fault {
      case .none, .silence, .extraBytes: isDeserved = false
      default: isDeserved = true
      }
      // A body that has begun to flow is not kept for another attempt.
      let isLost = hasGoneAway && plan.requestFraming != .none || plan.unseen >= Limit.attempts
      if hasStaleConnections || isTroubled || isLost { return nil }
    case (502, "connect_failed"):
      switch fault {
      case .closesUnanswered, .breaksOff: isDeserved = true
      default: isDeserved = isTroubled || hasStaleConnections
      }
    case (503, "move_hold_overflow"), (503, "move_hold_timeout"): isDeserved = hasMoves
    case (503, "overloaded"): isDeserved = isTroubled || shedsWaiting
    // What has no body is taken for this one.
    case (503, "no_backend"): isDeserved = isTroubled || (shedsWaiting || hasMoves) && plan.method == "HEAD"
    case (504, "response_timeout"): isDeserved = fault == .silence || isTroubled || plan.isStarved
    default: isDeserved = false
    }
    return isDeserved ? nil : "refused with \(status) \(code), fault \(fault), \(standings)"
  }
}
