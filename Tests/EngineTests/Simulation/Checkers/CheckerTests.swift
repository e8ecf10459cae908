import Primitives
import Testing

/// Each checker is shown a trace that breaks its law, and one that does not.
struct CheckerTests {
  private typealias Step = (at: Int64, fact: Fact)

  private func violations(_ checker: any Checker, _ facts: [Fact]) -> [String] {
    violations(checker, timed: facts.map { (0, $0) })
  }

  private func violations(_ checker: any Checker, timed steps: [Step]) -> [String] {
    var court = Court(checkers: [checker])
    for step in steps { court.note(step.fact, at: Instant(nanoseconds: step.at)) }
    return court.violations
  }

  private func arrival(_ request: Int, tenant: Int = 0, as name: String = "a", for shard: String = "s") -> Fact {
    .arrived(request: request, tenant: tenant, namedTenant: name, namedShard: shard, ownShard: "s")
  }

  // MARK: Exactly once

  @Test func anExchangeThatEndsOnceIsRight() {
    let facts: [Fact] = [
      .asked(request: 1), arrival(1), .answered(request: 1, status: 200), .finished(request: 1), .atRest(Remains()),
    ]
    #expect(violations(ExactlyOnce(countsFinished: true), facts).isEmpty)
  }

  @Test func anExchangeThatEndsTwiceIsFound() {
    let facts: [Fact] = [.asked(request: 1), .finished(request: 1), .finished(request: 1)]
    #expect(violations(ExactlyOnce(countsFinished: true), facts) == ["the exchange of request 1 ended twice"])
  }

  @Test func anExchangeThatNeverEndsIsFound() {
    let facts: [Fact] = [.asked(request: 1), arrival(1), .atRest(Remains())]
    #expect(violations(ExactlyOnce(countsFinished: true), facts) == ["the exchanges of requests [1] never ended"])
    #expect(violations(ExactlyOnce(countsFinished: false), facts).isEmpty)
  }

  @Test func aSecondAnswerIsFound() {
    let answer = Fact.answered(request: 1, status: 200)
    #expect(violations(ExactlyOnce(countsFinished: true), [.asked(request: 1), answer, answer]).count == 1)
    #expect(violations(ExactlyOnce(countsFinished: true), [answer]).count == 1)
  }

  // MARK: Tenants

  @Test func anotherTenantsNameIsFound() {
    let wall = TenantWall(names: ["a", "b"])
    #expect(violations(wall, [arrival(1), arrival(2, tenant: 1, as: "b")]).isEmpty)
    #expect(violations(wall, [arrival(1, tenant: 1)]).count == 1)
    #expect(violations(wall, [arrival(1, as: "a+a")]).count == 1)
  }

  @Test func anotherShardIsFound() { #expect(violations(TenantWall(names: ["a"]), [arrival(1, for: "t")]).count == 1) }

  @Test func foreignBytesAreFound() {
    let wall = TenantWall(names: ["a"])
    #expect(violations(wall, [.read(request: 1, isOwn: true)]).isEmpty)
    #expect(violations(wall, [.read(request: 1, isOwn: false)]).count == 1)
  }

  @Test func patternsOfDifferentOwnersDiffer() {
    let owners = (0..<6).flatMap { tenant in (0..<40).map { Pattern(tenant: tenant, request: $0, .request) } }
    let starts = Set(owners.map { $0.bytes(0, 8) })
    #expect(starts.count == owners.count)
    #expect(Pattern(tenant: 0, request: 1, .request) != Pattern(tenant: 0, request: 1, .response))
    let pattern = Pattern(tenant: 1, request: 2, .response)
    #expect(pattern.matches(Array(pattern.bytes(0, 500)[100...]), at: 100))
    #expect(!pattern.matches(pattern.bytes(0, 8), at: 1))
  }

  // MARK: Limits

  @Test func oneRequestOverTheRateIsFound() {
    // Two at once, then one each half second: the fourth is due at 1 s and not before.
    let bucket = RateBound.Bucket(count: 2, period: .second, burst: 2)
    let checker = RateBound(tenants: 1, start: Instant(nanoseconds: 0))
    let first: [Step] = [(0, limits(bucket)), (0, arrival(1)), (0, arrival(2)), (.second / 2, arrival(3))]
    #expect(violations(checker, timed: first + [(.second, arrival(4))]).isEmpty)
    #expect(violations(checker, timed: first + [(.second - 1, arrival(4))]).count == 1)
    #expect(violations(checker, timed: first + [(.second / 2, arrival(3))]).isEmpty)
  }

  private func limits(_ bucket: RateBound.Bucket?, isDeclared: Bool = true) -> Fact {
    .limits(tenant: 0, isDeclared: isDeclared, bucket: bucket)
  }

  @Test func aChangedRateGivesWhatItsBucketGrowsByAndNoMore() {
    let small = RateBound.Bucket(count: 1, period: .second, burst: 1)
    let large = RateBound.Bucket(count: 1, period: .second, burst: 3)
    let checker = RateBound(tenants: 1, start: Instant(nanoseconds: 0))
    let first: [Step] = [(0, limits(small)), (0, arrival(1)), (0, limits(large)), (0, arrival(2)), (0, arrival(3))]
    #expect(violations(checker, timed: first).isEmpty)
    #expect(violations(checker, timed: first + [(0, arrival(4))]).count == 1)
    #expect(violations(checker, timed: first + [(0, limits(small)), (0, arrival(4))]).count == 1)
    // Deleted and declared anew, a tenant begins with a full bucket.
    let anew: [Step] = [(0, limits(nil, isDeclared: false)), (0, limits(small)), (0, arrival(4))]
    #expect(violations(checker, timed: first + anew).isEmpty)
    #expect(violations(checker, timed: first + anew + [(0, arrival(5))]).count == 1)
  }

  @Test func aFormerRateCountsUntilEveryWorkerIsSettled() {
    let quick = RateBound.Bucket(count: 10, period: .second, burst: 1)
    let slow = RateBound.Bucket(count: 1, period: .second, burst: 1)
    let checker = RateBound(tenants: 1, start: Instant(nanoseconds: 0))
    let first: [Step] = [(0, limits(quick)), (0, .settled), (0, arrival(1)), (0, limits(slow))]
    #expect(violations(checker, timed: first + [(.second / 10, arrival(2))]).isEmpty)
    #expect(violations(checker, timed: first + [(0, .settled), (.second / 10, arrival(2))]).count == 1)
  }

  // MARK: Placement

  @Test func aPlaceOfNoConfigurationIsFound() {
    func placed(_ place: String, _ allowed: String...) -> Fact { .placed(request: 1, at: place, allowed: allowed) }
    #expect(violations(PlacementRule(), [placed("a epoch 1", "a epoch 1", "b epoch 2")]).isEmpty)
    #expect(violations(PlacementRule(), [placed("a epoch 2", "a epoch 1", "b epoch 2")]).count == 1)
    #expect(violations(PlacementRule(), [placed("c epoch 2", "any shard epoch 2")]).isEmpty)
    #expect(violations(PlacementRule(), [placed("c epoch 3", "any shard epoch 2")]).count == 1)
    let moved = [placed("a epoch 1", "a epoch 1", "b epoch 2"), placed("b epoch 2", "a epoch 1", "b epoch 2")]
    #expect(violations(PlacementRule(), moved).count == 1)
  }

  @Test func aBrokenBindingIsFound() {
    #expect(violations(AffinityRule(), [.returned(request: 1, place: "0", boundTo: "0")]).isEmpty)
    #expect(violations(AffinityRule(), [.returned(request: 1, place: "1", boundTo: "0")]).count == 1)
  }

  @Test func aWorkerThatRunsOnIsFound() {
    #expect(violations(DrainRule(), [.drained(running: 0)]).isEmpty)
    #expect(violations(DrainRule(), [.drained(running: 1)]).count == 1)
  }

  @Test func concurrencyOverTheBoundIsFound() {
    #expect(violations(ConcurrencyBound(), [.inFlight(tenant: 0, count: 2, bound: 2)]).isEmpty)
    #expect(violations(ConcurrencyBound(), [.inFlight(tenant: 0, count: 9, bound: 0)]).isEmpty)
    #expect(violations(ConcurrencyBound(), [.inFlight(tenant: 0, count: 3, bound: 2)]).count == 1)
    // A bound that is lowered ends nothing that is in flight.
    let falling = [3, 2].map { Fact.inFlight(tenant: 0, count: $0, bound: $0 == 3 ? 0 : 1) }
    #expect(violations(ConcurrencyBound(), falling).isEmpty)
    #expect(violations(ConcurrencyBound(), falling + [.inFlight(tenant: 0, count: 3, bound: 1)]).count == 1)
    #expect(violations(ConcurrencyBound(), [.inFlight(tenant: 0, count: -1, bound: 2)]).count == 1)
    #expect(violations(ConcurrencyBound(), [.atRest(Remains(inFlight: [0, 1]))]).count == 1)
  }

  // MARK: Attempts

  private func attempt(_ request: Int, isSafe: Bool) -> Fact { .attempted(request: request, isSafe: isSafe, link: 1) }

  @Test func aSecondAttemptOfWhatMayHaveActedIsFound() {
    #expect(violations(RetryRule(), [attempt(1, isSafe: true), attempt(1, isSafe: true)]).isEmpty)
    #expect(violations(RetryRule(), [attempt(1, isSafe: false), attempt(2, isSafe: false)]).isEmpty)
    #expect(violations(RetryRule(), [attempt(1, isSafe: false), attempt(1, isSafe: false)]).count == 1)
  }

  @Test func anAttemptAfterTheAnswerBeganIsFound() {
    let facts: [Fact] = [attempt(1, isSafe: true), .answerBegan(request: 1, link: 1), attempt(1, isSafe: true)]
    #expect(violations(RetryRule(), facts).count == 1)
  }

  @Test func aFourthAttemptIsFound() {
    #expect(violations(RetryRule(), Array(repeating: attempt(1, isSafe: true), count: 3)).isEmpty)
    #expect(violations(RetryRule(), Array(repeating: attempt(1, isSafe: true), count: 4)).count == 1)
  }

  // MARK: Bounds and rest

  @Test func tooManyHeldBytesAreFound() {
    #expect(violations(BufferBound(bound: 10), [.held(request: 1, bytes: 10)]).isEmpty)
    #expect(violations(BufferBound(bound: 10), [.held(request: 1, bytes: 11)]).count == 1)
  }

  @Test func eachThingLeftAtRestIsFound() {
    #expect(violations(NothingLeft(), [.atRest(Remains())]).isEmpty)
    let leftovers = [
      Remains(sockets: 1), Remains(exchanges: 1), Remains(connections: 1), Remains(lentBytes: 1),
    ]
    for remains in leftovers { #expect(violations(NothingLeft(), [.atRest(remains)]).count == 1) }
  }

  @Test func aBrokenAnswerShownAsWholeIsFound() {
    let broken = Fact.brokenOff(request: 1)
    #expect(violations(NoFalseEnd(), [broken, .answered(request: 1, status: 200)]).count == 1)
    #expect(violations(NoFalseEnd(), [broken, .answered(request: 1, status: 413, isOwn: true)]).isEmpty)
    #expect(violations(NoFalseEnd(), [broken, .answersAnew(request: 1), .answered(request: 1, status: 200)]).isEmpty)
  }
}

/// The rules of who may be answered what.
struct VerdictTests {
  private func verdict(
    _ outcome: Outcome, _ climate: Climate = .calm, _ standing: Verdicts.Standing = .active,
    _ change: (RequestPlan) -> Void = { _ in }
  ) -> String? {
    let plan = RequestPlan(number: 0, tenant: 0)
    plan.responseSize = 10
    change(plan)
    return Verdicts(climate: climate).violation(plan, outcome, [standing])
  }

  @Test func theDeservedAnswerIsRight() { #expect(verdict(.answered(status: 200, bytes: 10)) == nil) }

  @Test(arguments: [
    Outcome.answered(status: 404, bytes: 10), .answered(status: 200, bytes: 9), .cut, .unanswered(.none), .forgotten,
    .tunnelled, .refused(status: 429, code: "rate_limited"), .refused(status: 502, code: "connect_failed"),
    .refused(status: 404, code: "tenant_unknown"), .refused(status: 400, code: "bad_request"),
  ])
  func anUndeservedOutcomeInACalmWorldIsFound(_ outcome: Outcome) { #expect(verdict(outcome) != nil) }

  @Test func limitsRefuseOnlyTheLimited() {
    #expect(verdict(.refused(status: 429, code: "rate_limited"), .limited, .limited) == nil)
    #expect(verdict(.refused(status: 404, code: "tenant_unknown"), .calm, .unknown) == nil)
    #expect(verdict(.answered(status: 200, bytes: 10), .calm, .unknown) != nil)
    #expect(verdict(.answered(status: 200, bytes: 10), .calm, .suspended) != nil)
  }

  @Test func aBrokenAnswerMayBeCutAndNotWhole() {
    let breaks: (RequestPlan) -> Void = { $0.currentFault = .breaksOff(at: 3, resetting: false) }
    #expect(verdict(.cut, .faulty, .active, breaks) == nil)
    #expect(verdict(.answered(status: 200, bytes: 10), .faulty, .active, breaks) != nil)
  }
}
