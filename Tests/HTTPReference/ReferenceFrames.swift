import HTTP

/// A stream of bytes cut into the frames of HTTP/2 (RFC 9113 §4.1), by arrays.
package struct ReferenceFrames {
  /// One frame in whole.
  package struct Frame: Equatable {
    /// Its type on the wire.
    package var type: UInt8
    /// Its flags.
    package var flags: UInt8
    /// Its stream, without the reserved bit.
    package var stream: UInt32
    /// What it carries.
    package var payload: [UInt8]

    /// A frame of these parts.
    package init(_ type: UInt8, _ flags: UInt8, _ stream: UInt32, _ payload: [UInt8]) {
      self.type = type
      self.flags = flags
      self.stream = stream
      self.payload = payload
    }

    /// The frame on the wire.
    package var bytes: [UInt8] {
      let length = UInt32(payload.count)
      return ReferenceFrames.word(length).dropFirst() + [type, flags] + ReferenceFrames.word(stream) + payload
    }

    /// The payload without its padding; nil when there is more padding than payload.
    package var unpadded: [UInt8]? {
      guard flags & 8 != 0 else { return payload }
      guard let padding = payload.first, Int(padding) < payload.count else { return nil }
      return Array(payload.dropFirst().dropLast(Int(padding)))
    }

    /// The four bytes at `place` of the payload as a number.
    package func word(_ place: Int) -> UInt32 { payload[place..<place + 4].reduce(0) { $0 << 8 | UInt32($1) } }
  }

  /// The frames that are whole.
  package private(set) var all: [Frame] = []
  /// What comes behind them.
  package private(set) var rest: ArraySlice<UInt8>

  /// Cuts `bytes`, behind any preface.
  package init(_ bytes: [UInt8]) {
    rest = bytes[...]
    while rest.count >= 9 {
      let head = Array(rest.prefix(9))
      let length = head[0..<3].reduce(0) { $0 << 8 | Int($1) }
      guard rest.count >= 9 + length else { return }
      let stream = head[5..<9].reduce(0) { $0 << 8 | UInt32($1) } & 0x7FFF_FFFF
      all.append(Frame(head[3], head[4], stream, Array(rest.dropFirst(9).prefix(length))))
      rest = rest.dropFirst(9 + length)
    }
  }

  /// Four bytes, the highest first.
  package static func word(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(value >> (24 - 8 * UInt32($0)) & 255) } }
}
