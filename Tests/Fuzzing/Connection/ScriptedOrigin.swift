import Primitives

@testable import Engine

/// An origin that says the same on every connection, in pieces, whatever it is asked.
final class ScriptedOrigin: FuzzOrigin {
  private struct Script {
    let link: FuzzLink
    var said = 0
    var hasEnded = false
  }

  private let stream: [UInt8]
  private let longest: Int
  private let ending: UInt8
  private var random: SeededRandom
  private var scripts: [Script] = []

  /// An origin of this stream; `ending` says whether it leaves connections open (0), ends or (2) resets them.
  init(_ stream: [UInt8], longest: Int, seed: UInt64, ending: UInt8) {
    self.stream = stream
    self.longest = longest
    self.ending = ending
    random = SeededRandom(seed: seed)
  }

  func received(_ link: FuzzLink, _ world: FuzzWorld) {
    if !scripts.contains(where: { $0.link === link }) { scripts.append(Script(link: link)) }
  }

  func closed(_ link: FuzzLink, _ world: FuzzWorld) { scripts.removeAll { $0.link === link } }

  /// Says the next piece on each connection; false when there is nothing left to say.
  func go(on world: FuzzWorld) -> Bool {
    var any = false
    for index in scripts.indices where !scripts[index].hasEnded {
      any = true
      let link = scripts[index].link
      let end = min(stream.count, scripts[index].said + 1 + random.below(longest))
      if end > scripts[index].said {
        link.incoming += stream[scripts[index].said..<end]
        world.tell(link, .readable)
      } else {
        scripts[index].hasEnded = true
        finish(link, world)
      }
      scripts[index].said = end
    }
    return any
  }

  private func finish(_ link: FuzzLink, _ world: FuzzWorld) {
    switch ending & 3 {
    case 0: return
    case 2:
      link.isReset = true
      world.tell(link, [.readable, .peerEnded, .broken])
    default:
      link.hasEnded = true
      world.tell(link, [.readable, .peerEnded])
    }
  }
}
