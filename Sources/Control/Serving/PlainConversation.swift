import Platform

/// The requests and answers of one connection, one after another.
struct PlainConversation: Sendable {
  let bounds: PlainServer.Bounds
  let approach: PlainServer.Approach

  /// Serves `channel` to its end; `mustClose` tells before each answer whether it is to be the last.
  func run(_ channel: consuming PlainChannel, _ peer: PlainPeer, mustClose: () -> Bool) {
    var channel = channel
    while true {
      let step = nextHead(&channel)
      if case .gone = step { return }
      guard case .whole(let size) = step, var request = PlainRequest(head: channel.pending.prefix(size)) else {
        return refuse(step == .tooLarge ? 431 : 400, channel)
      }
      channel.consume(size)
      request.peer = peer
      guard attend(to: request, &channel, mustClose) else { return channel.finish() }
    }
  }

  /// Answers a request, in one way or another; whether another may follow.
  private func attend(to request: PlainRequest, _ channel: inout PlainChannel, _ mustClose: () -> Bool) -> Bool {
    switch approach {
    case .answering(let answer):
      return serve(request, &channel, keeping: nil, answer, mustClose)
    case .screening(let screen):
      switch screen(request) {
      case .refuse(let refusal): return refuse(refusal, request, &channel, mustClose)
      case .take(let bound, let answer, let finally):
        defer { finally() }
        return serve(request, &channel, keeping: bound, answer, mustClose)
      }
    }
  }

  /// Takes the body of a request and answers it; whether another may follow.
  private func serve(
    _ request: PlainRequest, _ channel: inout PlainChannel, keeping bound: Int?, _ answer: PlainServer.Answer,
    _ mustClose: () -> Bool
  ) -> Bool {
    var request = request
    if let status = takeBody(&request, &channel, bound) {
      _ = channel.send(PlainAnswer.refusal(status, asProblem: bounds.tellsProblems), patience: bounds.patience)
      return false
    }
    let keepsAlive = request.keepsAlive && !mustClose()
    var exchange = PlainExchange(request, channel: channel, patience: bounds.patience, keepsAlive: keepsAlive)
    answer(&exchange)
    let goesOn = exchange.keepsAlive
    channel = exchange.release()
    return goesOn
  }

  /// Reads a request's body, and keeps it where it has a bound; the status of a refusal if that can't be.
  private func takeBody(_ request: inout PlainRequest, _ channel: inout PlainChannel, _ bound: Int?) -> Int? {
    guard request.framing != .none else { return nil }
    if !bounds.takesBodies { return 413 }
    if let bound, case .length(let count) = request.framing, count > Int64(bound) { return 413 }
    if request.expectsContinue, channel.pending.isEmpty {
      guard channel.send(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8), patience: bounds.patience) else { return 400 }
    }
    var body = PlainBody(patience: bounds.patience, bound: bound)
    guard let count = body.take(request.framing, &channel) else { return body.isTooLarge ? 413 : 400 }
    request.bodyCount = count
    request.body = body.kept
    return nil
  }

  private func refuse(
    _ refusal: PlainRefusal, _ request: PlainRequest, _ channel: inout PlainChannel, _ mustClose: () -> Bool
  ) -> Bool {
    // A body that is not read would be taken for the next request.
    let keepsAlive = request.keepsAlive && request.framing == .none && !mustClose()
    var exchange = PlainExchange(request, channel: channel, patience: bounds.patience, keepsAlive: keepsAlive)
    exchange.answer(refusal.status, refusal.contentType, refusal.body, fields: refusal.fields)
    let goesOn = exchange.keepsAlive
    channel = exchange.release()
    return goesOn
  }

  /// What came of waiting for a head.
  private enum HeadStep: Equatable {
    case whole(Int)
    case hopeless, tooLarge, gone
  }

  private func nextHead(_ channel: inout PlainChannel) -> HeadStep {
    let deadline = ContinuousClock().now + bounds.header
    var searched = 0
    while true {
      if let size = PlainConversation.endOfHead(channel.pending, from: searched) {
        return size > bounds.headSize ? .tooLarge : .whole(size)
      }
      if channel.pending.count > bounds.headSize { return .tooLarge }
      // Nothing that is not HTTP deserves the wait for an empty line.
      if let first = channel.pending.first, first < 0x21 || first > 0x7E { return .hopeless }
      searched = max(0, channel.pending.count - 3)
      guard channel.receive(until: deadline) else { return .gone }
    }
  }

  private static func endOfHead(_ bytes: ArraySlice<UInt8>, from start: Int) -> Int? {
    let first = bytes.startIndex
    var at = first + start + 3
    while at < bytes.endIndex {
      if bytes[at] == 0x0A, bytes[at - 1] == 0x0D, bytes[at - 2] == 0x0A, bytes[at - 3] == 0x0D {
        return at - first + 1
      }
      at += 1
    }
    return nil
  }

  private func refuse(_ status: Int, _ channel: consuming PlainChannel) {
    var channel = channel
    if channel.send(PlainAnswer.refusal(status, asProblem: bounds.tellsProblems), patience: bounds.patience) {
      channel.finish()
    }
  }
}
