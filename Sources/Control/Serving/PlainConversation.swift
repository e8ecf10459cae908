import Platform

/// The requests and answers of one connection, one after another.
struct PlainConversation {
  let bounds: PlainServer.Bounds
  let answer: PlainServer.Answer

  /// Serves `channel` to its end; `mustClose` tells before each answer whether it is to be the last.
  func run(_ channel: consuming PlainChannel, mustClose: () -> Bool) {
    var channel = channel
    while true {
      let step = nextHead(&channel)
      if case .gone = step { return }
      guard case .whole(let size) = step, var request = PlainRequest(head: channel.pending.prefix(size)) else {
        return refuse(step == .tooLarge ? 431 : 400, channel)
      }
      channel.consume(size)
      if request.framing != .none {
        if !bounds.takesBodies { return refuse(413, channel) }
        if request.expectsContinue, channel.pending.isEmpty {
          guard channel.send(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8), patience: bounds.patience) else { return }
        }
        guard let count = PlainBody(patience: bounds.patience).count(request.framing, &channel) else {
          return refuse(400, channel)
        }
        request.bodyCount = count
      }
      let keepsAlive = request.keepsAlive && !mustClose()
      var exchange = PlainExchange(request, channel: channel, patience: bounds.patience, keepsAlive: keepsAlive)
      answer(&exchange)
      let goesOn = exchange.keepsAlive
      channel = exchange.release()
      if !goesOn { return channel.finish() }
    }
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
    if channel.send(PlainAnswer.refusal(status), patience: bounds.patience) { channel.finish() }
  }
}
