import CLinux
import Synchronization

/// What came of looking for the certificates of a name.
enum CertificateLookup {
  /// These.
  case found(CertificateTable.Choice)
  /// None are known.
  case none
  /// They are being loaded; whoever asked is woken.
  case loading
  /// Too many are being loaded already.
  case overloaded
}

/// Loads certificates of large folders on a thread of its own, which lives as long as there are some to load: no worker
/// reads a file or checks a key in the middle of a handshake.
public final class CertificateLoader: Sendable {
  /// Certificates that wait to be loaded at most; a handshake that needs one more fails.
  public static let most = 1_024

  private struct Key: Hashable {
    var folder: ObjectIdentifier
    var base: String
  }

  private struct Order {
    var folder: CertificateFolder
    var wakers: [Int32]
  }

  private struct State {
    var orders: [Key: Order] = [:]
    /// What is to be done, in the order in which it was asked for.
    var queue: [Key] = []
    var isRunning = false
  }

  static let shared = CertificateLoader()
  private let state = Mutex(State())
  private let count = Atomic<UInt64>(0)

  /// Certificates loaded, or found to be of no use, since the process began: as long as it stays the same, no handshake
  /// that waits has anything to go on with.
  public static var finished: UInt64 { shared.count.load(ordering: .acquiring) }

  /// Has a pair of a folder loaded, and the eventfd `waker` written to then; false when too many wait already.
  func load(_ base: String, of folder: CertificateFolder, waking waker: Int32) -> Bool {
    let key = Key(folder: ObjectIdentifier(folder), base: base)
    let (isTaken, isIdle) = state.withLock { state in
      if state.orders[key] != nil {
        if state.orders[key]?.wakers.contains(waker) == false { state.orders[key]?.wakers.append(waker) }
        return (true, false)
      }
      guard state.orders.count < CertificateLoader.most else { return (false, false) }
      state.orders[key] = Order(folder: folder, wakers: [waker])
      state.queue.append(key)
      defer { state.isRunning = true }
      return (true, !state.isRunning)
    }
    guard isIdle else { return isTaken }
    do throws(SystemError) {
      try Thread(name: "certificates") { CertificateLoader.shared.work() }.detach()
      return true
    } catch {
      state.withLock { $0 = State() }
      return false
    }
  }

  /// Loads what is asked for until there is nothing more.
  private func work() {
    while let (key, folder) = next() {
      folder.loadAside(key.base)
      let wakers = state.withLock { $0.orders.removeValue(forKey: key)?.wakers ?? [] }
      count.add(1, ordering: .releasing)
      for waker in wakers { Waker.wake(waker) }
    }
  }

  private func next() -> (key: Key, folder: CertificateFolder)? {
    state.withLock { state in
      guard !state.queue.isEmpty else {
        state.isRunning = false
        return nil
      }
      let key = state.queue.removeFirst()
      return state.orders[key].map { (key, $0.folder) }
    }
  }
}
