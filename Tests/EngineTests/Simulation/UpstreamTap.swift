import Primitives

/// What is seen of one connection to a backend at the seam.
struct UpstreamTap {
  private var reader = MessageReader(responses: false)
  private var plan: RequestPlan?
  private var hasBegun = false
  private var isRaw = false
  private var base = (sent: 0, received: 0, clientSent: 0, clientReceived: 0)
  private var firstLine: [UInt8] = []

  mutating func send(_ bytes: [UInt8], _ link: Link, _ stage: Stage) {
    guard !isRaw else { return }
    reader.feed(bytes)
    if firstLine.count < 64, !firstLine.contains(13) { firstLine += bytes.prefix(64) }
    while let item = reader.next() {
      switch item {
      case .head(let head): begin(head, link, stage)
      case .bad(let reason):
        stage.report("connection \(link.number) to a backend was sent \(reason)")
        isRaw = true
      case .body: break
      case .end: if plan?.wantsUpgrade == true { isRaw = true } else { firstLine = [] }
      }
    }
    hold(link, stage)
  }

  private mutating func begin(_ head: Head, _ link: Link, _ stage: Stage) {
    guard let number = RequestPlan.number(in: head.target), stage.plans.indices.contains(number) else {
      plan = nil
      return
    }
    let plan = stage.plans[number]
    self.plan = plan
    hasBegun = false
    plan.passed.isSeen = false
    base = (link.sentCount, link.receivedCount, plan.clientLink?.sentCount ?? 0, plan.clientLink?.receivedCount ?? 0)
    stage.note(.attempted(request: number, isSafe: plan.isSafe, link: link.number))
    stage.noteRoute(of: plan, epoch: head.values("x-placement-epoch").first)
  }

  mutating func receive(_ link: Link, _ stage: Stage) {
    guard let plan else { return }
    if !hasBegun {
      hasBegun = true
      stage.note(.answerBegan(request: plan.number, link: link.number))
    }
    hold(link, stage)
  }

  private func hold(_ link: Link, _ stage: Stage) {
    // What a connection of streams carries is not this request's alone.
    guard let plan, !plan.isStream, let client = plan.clientLink else { return }
    let down = (link.receivedCount - base.received) - (client.sentCount - base.clientSent)
    let up = (client.receivedCount - base.clientReceived) - (link.sentCount - base.sent)
    if max(down, up) > 65_536 { stage.note(.held(request: plan.number, bytes: max(down, up))) }
  }

  /// A request that was begun and never came to its head's end is an attempt as well.
  func close(_ link: Link, _ stage: Stage) {
    guard !isRaw, reader.isAmid, !reader.isInBody else { return }
    let words = String(decoding: firstLine.prefix { $0 != 13 }, as: UTF8.self).split(separator: " ")
    guard words.count >= 3, let number = RequestPlan.number(in: String(words[1])), stage.plans.indices.contains(number)
    else { return }
    stage.note(.attempted(request: number, isSafe: stage.plans[number].isSafe, link: link.number))
  }
}
