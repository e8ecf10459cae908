import Primitives

/// What a backend may be sent.
extension Origin {
  /// Sees whether the head of a request came as it should; streams have no codings.
  func check(_ head: Head, _ plan: RequestPlan, isStream: Bool) {
    guard !stage.isTransparent else {
      let name = stage.tenants[plan.tenant]
      return stage.note(
        .arrived(
          request: plan.number, tenant: plan.tenant, namedTenant: name, namedShard: "", ownShard: "",
          isRated: false))
    }
    func alike(_ name: String) -> [String] {
      head.fields.filter { $0.name.replacing("_", with: "-") == name }.map(\.value)
    }
    let tenant = alike("x-tenant-id").joined(separator: "+")
    let named = alike("x-placement-shard").joined(separator: "+")
    stage.note(
      .arrived(
        request: plan.number, tenant: plan.tenant, namedTenant: tenant, namedShard: named, ownShard: shard,
        isRated: !stage.mayBeUnlimited(plan) && !plan.wasHeld))
    stage.note(
      .placed(
        request: plan.number, at: "\(named) epoch \(alike("x-placement-epoch").joined(separator: "+"))",
        allowed: stage.placements(plan)))
    var wrong: [String] = []
    if head.method != plan.method { wrong.append("method \(head.method)") }
    if head.values("host") != [stage.hosts[plan.tenant]] { wrong.append("host \(head.values("host"))") }
    if !head.values("x-hop").isEmpty { wrong.append("a field named by Connection") }
    if alike("x-placement-epoch").count != 1 { wrong.append("epochs \(alike("x-placement-epoch"))") }
    if alike("x-request-id").count != 1 { wrong.append("request ids \(alike("x-request-id"))") }
    if alike("x-forwarded-for").count != 1 { wrong.append("x-forwarded-for \(alike("x-forwarded-for"))") }
    if head.values("via").isEmpty { wrong.append("no Via") }
    if head.values("upgrade").isEmpty == plan.wantsUpgrade { wrong.append("upgrade \(head.values("upgrade"))") }
    let length = plan.requestFraming == .length ? ["\(plan.requestSize)"] : []
    if head.values("content-length") != length { wrong.append("length \(head.values("content-length"))") }
    if !isStream, head.values("transfer-encoding").isEmpty == (plan.requestFraming == .chunked) {
      wrong.append("coding")
    }
    if !wrong.isEmpty { stage.report("request \(plan.number) came to a backend with \(wrong)") }
  }

  /// Sees whether a whole request of `count` bytes ended as it should.
  func check(_ trailers: [(name: String, value: String)], of plan: RequestPlan, _ count: Int) {
    if !plan.wantsUpgrade, count != plan.requestSize {
      stage.report("request \(plan.number): a backend was sent \(count) bytes of \(plan.requestSize) as all of it")
    }
    if !stage.isTransparent, trailers.contains(where: { $0.name.replacing("_", with: "-").hasPrefix("x-tenant") }) {
      stage.report("request \(plan.number): a trailer that names a tenant came through")
    }
    if plan.requestHasTrailers, !trailers.contains(where: { $0.name == "x-check" && $0.value == "\(plan.number)" }) {
      stage.report("request \(plan.number): its trailers came as \(trailers)")
    }
  }
}
