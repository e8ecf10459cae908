/// Where a chunked body stands.
public enum ChunkedState: UInt8, Sendable, BitwiseCopyable {
  /// More of the body is to come.
  case more
  /// The last chunk was seen; the trailer section starts at `consumed`.
  case trailers
  /// Malformed; nothing of the connection can be trusted any more.
  case bad
}

/// What came of decoding a run of bytes.
public struct ChunkedProgress: Sendable, BitwiseCopyable {
  /// Bytes of input that are done with: all of them while there is more to come.
  public var consumed: Int
  /// Bytes of data now at the front of the input.
  public var data: Int
  /// Where the body stands.
  public var state: ChunkedState
}

/// Takes the data out of a chunked body (RFC 9112 §7.1) that comes in any pieces.
///
/// Sizes are 1 to 16 hexadecimal digits, at most `sizeBound`. Extensions are dropped, and bounded with their line.
public struct ChunkedDecoder: Sendable, BitwiseCopyable {
  /// The largest chunk, in bytes.
  public static let sizeBound: UInt64 = 1 << 60
  /// The longest line of a chunk size and its extensions, in bytes before the CRLF.
  public static let lineBound = 256

  private enum Phase: UInt8 {
    case size, extensionStart, extensionRest, sizeLineFeed, data, dataReturn, dataLineFeed, trailers, bad
  }

  private var remaining: UInt64 = 0
  private var lineCount: Int32 = 0
  private var phase = Phase.size

  /// A decoder at the start of a body.
  public init() {}

  /// Moves the chunk data of `count` bytes to the front of `bytes` (in place), drops framing and extensions; stops
  /// before the trailer section. Unconsumed bytes stay where they are.
  public mutating func compact(_ bytes: UnsafeMutablePointer<UInt8>, _ count: Int) -> ChunkedProgress {
    var at = 0
    var data = 0
    while at < count {
      if phase == .data {
        let run = Int(min(remaining, UInt64(count &- at)))
        if data != at { (bytes + data).update(from: bytes + at, count: run) }
        data &+= run
        at &+= run
        remaining &-= UInt64(run)
        if remaining == 0 { phase = .dataReturn }
        continue
      }
      if phase == .trailers { break }
      readFraming(bytes[at])
      if phase == .bad { break }
      at &+= 1
    }
    let state: ChunkedState = phase == .trailers ? .trailers : phase == .bad ? .bad : .more
    return ChunkedProgress(consumed: at, data: data, state: state)
  }

  /// Takes one byte that is not data.
  private mutating func readFraming(_ byte: UInt8) {
    switch phase {
    case .size: readSize(byte)
    case .extensionStart: readExtension(byte, isStart: true)
    case .extensionRest: readExtension(byte, isStart: false)
    case .sizeLineFeed:
      lineCount = 0
      phase = byte != Octet.lineFeed ? .bad : remaining == 0 ? .trailers : .data
    case .dataReturn: phase = byte == Octet.carriageReturn ? .dataLineFeed : .bad
    case .dataLineFeed: phase = byte == Octet.lineFeed ? .size : .bad
    case .data, .trailers, .bad: break
    }
  }

  private mutating func readSize(_ byte: UInt8) {
    let letter = (byte | 0x20) &- 0x61
    let digit = byte &- 0x30 <= 9 ? byte &- 0x30 : letter < 6 ? letter &+ 10 : 16
    if digit < 16 {
      remaining = remaining << 4 | UInt64(digit)
      lineCount &+= 1
      if lineCount > 16 || remaining > ChunkedDecoder.sizeBound { phase = .bad }
    } else if lineCount > 0, byte == Octet.carriageReturn {
      phase = .sizeLineFeed
    } else if lineCount > 0, byte == UInt8(ascii: ";") {
      lineCount &+= 1
      phase = .extensionStart
    } else {
      phase = .bad
    }
  }

  /// An extension starts with a name, perhaps after spaces; its rest may be any text.
  private mutating func readExtension(_ byte: UInt8, isStart: Bool) {
    lineCount &+= 1
    if !isStart, byte == Octet.carriageReturn {
      phase = .sizeLineFeed
    } else if byte < 0x20 || byte == 0x7F || Int(lineCount) > ChunkedDecoder.lineBound {
      phase = .bad
    } else if isStart, byte != Octet.space {
      phase = Octet.isToken(byte) ? .extensionRest : .bad
    }
  }
}
