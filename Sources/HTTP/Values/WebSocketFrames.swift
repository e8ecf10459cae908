/// How far one side of a WebSocket is among its frames (RFC 6455 §5.2), so that a frame of the proxy's own can be put
/// between two. Two words, both zero at the start.
public struct WebSocketFrames: Sendable, BitwiseCopyable {
  /// Bytes of the frame's payload to come; while its length is being read, what was read of that.
  public private(set) var left: Int64
  /// Where in a header: 0 between frames, else the byte that comes next, and beside it what the first two said.
  public private(set) var place: Int64

  /// The frame by which a server ends a WebSocket with "Service Restart" (1012).
  public static let restart: [UInt8] = [0x88, 0x02, 0x03, 0xF4]
  /// The same of a client, whose frames are masked: by zeros, which hide nothing and need not.
  public static let maskedRestart: [UInt8] = [0x88, 0x82, 0, 0, 0, 0, 0x03, 0xF4]

  private static let payload: Int64 = 0xFF
  private static let lost: Int64 = 0xFE
  private static let isMasked: Int64 = 1 << 8

  /// A side as it was left; both zero is the start.
  public init(left: Int64 = 0, place: Int64 = 0) {
    self.left = left
    self.place = place
  }

  /// Whether a frame has ended and none has begun.
  public var isBetweenFrames: Bool { place == 0 }

  /// Takes the next bytes of this side.
  public mutating func pass(_ bytes: UnsafePointer<UInt8>, _ count: Int) {
    var at = 0
    while at < count {
      if place & 0xFF == WebSocketFrames.lost { return }
      if place & 0xFF == WebSocketFrames.payload {
        let run = Int(min(left, Int64(count - at)))
        at += run
        left -= Int64(run)
        if left == 0 { place = 0 }
        continue
      }
      takeHeader(bytes[at])
      at += 1
    }
  }

  /// Places: 1 the length, 2 ... 9 bytes of a long one to come (place - 1 of them), 10 ... 13 bytes of the mask.
  private mutating func takeHeader(_ byte: UInt8) {
    let masked = place & WebSocketFrames.isMasked
    switch place & 0xFF {
    case 0: place = 1
    case 1:
      let mask = byte & 0x80 != 0 ? WebSocketFrames.isMasked : 0
      left = 0
      switch byte & 0x7F {
      case 126: place = 3 | mask
      case 127: place = 9 | mask
      case let length:
        left = Int64(length)
        endLength(mask)
      }
    case 2...9:
      guard left >> 55 == 0 else {
        place = WebSocketFrames.lost
        return
      }
      left = left << 8 | Int64(byte)
      if place & 0xFF == 2 { endLength(masked) } else { place -= 1 }
    case 13: endHeader()
    default: place += 1
    }
  }

  private mutating func endLength(_ masked: Int64) {
    if masked != 0 { place = 10 } else { endHeader() }
  }

  private mutating func endHeader() { place = left > 0 ? WebSocketFrames.payload : 0 }
}
