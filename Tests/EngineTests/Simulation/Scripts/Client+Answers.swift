import Primitives

/// The answer a client is reading.
struct AnswerInProgress {
  var head: Head?
  var isFromBackend = false
  var offset = 0
  var ownBody: [UInt8] = []
  var announcedEnd = false
  /// Bytes that came back through the tunnel; `nil` when there is none.
  var tunnel: Int?
  var isTunnelDone = false
  /// Ends the client's half once all is sent.
  var endsWhenSent = false
}

/// What a client makes of what it reads.
extension Client {
  func take(_ item: MessageReader.Item) {
    guard answering < plans.count, answer.tunnel != nil || !plans[answering].isFinished else {
      return stage.report("a client that asked nothing was sent something")
    }
    let plan = plans[answering]
    switch item {
    case .bad(let reason):
      stage.report("request \(plan.number): the client was sent \(reason)")
      drop()
    case .head(let head): take(head, plan)
    case .body(let bytes): take(bytes, plan)
    case .end(let trailers): takeEnd(trailers, plan)
    }
  }

  private func take(_ head: Head, _ plan: RequestPlan) {
    if head.status < 200, plan.minorVersion == 0, head.status != 101 {
      stage.report("request \(plan.number): an HTTP/1.0 client was sent \(head.status)")
    }
    if head.status == 100 { return releaseBody() }
    if head.status == 101 { return beginTunnel(plan) }
    if head.status < 200 { return }
    answer.head = head
    stage.transcript?.begin(head, of: plan.number, .answer)
    answer.isFromBackend = !head.values("x-origin-id").isEmpty
    if answer.isFromBackend {
      if head.values("x-origin-id") != ["\(plan.number)"] || head.values("x-origin-tenant") != ["\(plan.tenant)"] {
        stage.note(.read(request: plan.number, isOwn: false))
      }
      stage.note(head, of: plan, &binding)
      if !stage.isTransparent, !head.values("x-hop").isEmpty {
        stage.report("request \(plan.number): a field named by Connection came through")
      }
    } else if !head.values("proxy-status").contains(where: { $0.hasPrefix("gatehouse") }) {
      stage.report("request \(plan.number): an answer of nobody: \(head)")
    }
    if plan.minorVersion == 0, !head.values("transfer-encoding").isEmpty {
      stage.report("request \(plan.number): an HTTP/1.0 client was sent chunks")
    }
  }

  private func take(_ bytes: [UInt8], _ plan: RequestPlan) {
    if let count = answer.tunnel { return takeTunnel(bytes, count, plan) }
    if answer.isFromBackend {
      stage.note(.read(request: plan.number, isOwn: plan.responseBody.matches(bytes, at: answer.offset)))
    } else if answer.ownBody.count < 4_096 {
      answer.ownBody += bytes
    }
    stage.transcript?.add(bytes, of: plan.number, .answer)
    answer.offset += bytes.count
    if case .abortsReceiving(let at, let resetting) = plan.clientFault, answer.offset >= at {
      abort(plan, resetting: resetting)
    }
  }

  private func takeEnd(_ trailers: [(name: String, value: String)], _ plan: RequestPlan) {
    guard let head = answer.head else { return }
    stage.transcript?.end(trailers, of: plan.number, .answer)
    if answer.isFromBackend {
      if plan.responseHasTrailers, !plan.hasNoBody, !head.values("transfer-encoding").isEmpty,
        trailers.map(\.value) != ["\(plan.number)"]
      {
        stage.report("request \(plan.number): its trailers came as \(trailers)")
      }
      stage.note(.answered(request: plan.number, status: head.status))
      stage.judge(plan, .answered(status: head.status, bytes: answer.offset))
    } else {
      stage.note(.answered(request: plan.number, status: head.status, isOwn: true))
      stage.judge(plan, .refused(status: head.status, code: OwnAnswer.code(answer.ownBody, status: head.status)))
    }
    let keeps = plan.minorVersion == 1 ? !head.closes : head.keepsAlive
    let asked = plan.minorVersion == 0 && answering == plans.count - 1
    let lasts = head.values("content-length").isEmpty && head.values("transfer-encoding").isEmpty && !plan.hasNoBody
    advance(closing: !keeps || asked || lasts || plan.clientFault == .halfCloses)
  }

  // MARK: Tunnels

  private func beginTunnel(_ plan: RequestPlan) {
    guard plan.wantsUpgrade else { return stage.report("request \(plan.number): an unasked 101 came through") }
    answer.tunnel = 0
    if plan.requestSize == 0, plan.tunnelCut < 0 { return endTunnel(plan) }
    sendRaw(plan.tunnelBytes.bytes(0, plan.tunnelCut >= 0 ? plan.tunnelCut : plan.requestSize))
  }

  private func takeTunnel(_ bytes: [UInt8], _ count: Int, _ plan: RequestPlan) {
    stage.note(.read(request: plan.number, isOwn: plan.tunnelBytes.matches(bytes, at: count)))
    answer.tunnel = count + bytes.count
    if plan.tunnelCut < 0, count + bytes.count >= plan.requestSize { endTunnel(plan) }
  }

  private func endTunnel(_ plan: RequestPlan) {
    answer.isTunnelDone = true
    link?.endPeer()
  }
}
