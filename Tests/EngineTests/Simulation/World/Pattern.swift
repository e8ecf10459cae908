import Primitives

/// Bodies that name their owner: what belongs to one tenant, request and direction looks like nobody else's.
struct Pattern: Equatable {
  /// Who sends it.
  enum Direction: Int {
    case request, response, tunnelUp
  }

  private let start: Int

  init(tenant: Int, request: Int, _ direction: Direction) {
    start = (request &* 3 &+ direction.rawValue) &* 7_919 &+ tenant &* 104_729
  }

  private static let period = 1 << 17
  private static let table: [UInt8] = {
    var random = SeededRandom(seed: 0x6761_7465)
    return (0..<period).map { _ in UInt8(truncatingIfNeeded: random.next() >> 24) }
  }()

  /// The bytes from `offset` on.
  func bytes(_ offset: Int, _ count: Int) -> [UInt8] {
    Pattern.table.withUnsafeBufferPointer { table in
      [UInt8](unsafeUninitializedCapacity: count) { memory, initialized in
        for place in 0..<count {
          memory[place] = table[(start &+ offset &+ place) & (Pattern.period - 1)]
        }
        initialized = count
      }
    }
  }

  /// Whether `bytes` are those from `offset` on.
  func matches(_ bytes: [UInt8], at offset: Int) -> Bool { bytes == self.bytes(offset, bytes.count) }
}
