import Synchronization

@testable import Engine

extension Flaw {
  /// Spoils what a worker holds.
  func strikeHolds(_ box: EnginePlant.Box, _ exchanges: [Int32]) {
    for place in box.worker.held.indices {
      let hold = box.worker.held[place].hold
      switch self {
      case .forgetsUnderWay where box.worker.held[place].countedNow > 0:
        hold.underWay.subtract(box.worker.held[place].countedNow, ordering: .releasing)
        box.worker.held[place].countedNow = 0
        for id in exchanges where box.worker.exchanges[id].pointee.tenant == hold.tenant {
          if box.worker.exchanges[id].pointee.phase != .held {
            box.worker.exchanges[id].pointee.flags.remove(.isMoving)
          }
        }
      case .passesHold where hold.current == .all && hold.isHeardByAll && hold.underWayCount == 0:
        for id in exchanges where box.worker.exchanges[id].pointee.phase == .held {
          box.worker.exchanges[id].pointee.phase = .admitting
          box.worker.exchanges[id].pointee.pause = 0
          box.worker.openUpstream(id)
        }
      case .shufflesHold where hold.current == .all && box.worker.held[place].first == 0:
        let waiting = box.worker.held[place].waiting.map { handle in
          (handle, box.worker.exchanges[max(0, box.worker.exchanges.slot(of: handle))].pointee.parkedAt)
        }
        box.worker.held[place].waiting = waiting.sorted { $0.1 > $1.1 }.map(\.0)
      default: break
      }
    }
  }
}
