import Primitives

/// A connection to a scripted backend before its first bytes tell which version of HTTP is spoken on it.
final class OriginEntrance: PeerScript {
  private let origin: Origin
  private var first: [UInt8] = []

  init(_ origin: Origin) { self.origin = origin }

  func wake(_ link: Link) {
    guard link.script === self else { return }
    // No method begins like the preface of HTTP/2.
    first += link.read(4 - first.count)
    guard first.count == 4 else {
      if link.isAtEnd { link.closePeer() }
      return
    }
    let script: any PeerScript =
      first == Array("PRI ".utf8)
      ? StreamOriginConnection(origin, link, first: first) : OriginConnection(origin, link, first: first)
    link.script = script
    script.wake(link)
  }
}
