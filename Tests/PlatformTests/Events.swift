import Platform

/// A poller that `#expect` can ask: it takes no values that can't be copied.
final class Events {
  private let poller: Poller

  init() throws { poller = try Poller() }

  func add(_ socket: Int32, token: UInt64) -> Bool { poller.add(socket, token: token) }

  func addListener(_ socket: Int32, token: UInt64) -> Bool { poller.addListener(socket, token: token) }

  func setListening(_ socket: Int32, token: UInt64, _ isListening: Bool) {
    poller.setListening(socket, token: token, isListening)
  }

  func remove(_ socket: Int32) { poller.remove(socket) }

  func wait(milliseconds: Int32) -> Int { poller.wait(milliseconds: milliseconds) }

  func token(_ index: Int) -> UInt64 { poller.token(index) }

  func bits(_ index: Int) -> UInt32 { poller.bits(index) }
}
