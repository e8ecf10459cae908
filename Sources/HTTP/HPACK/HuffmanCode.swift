/// The Huffman code of HPACK (RFC 7541 §5.2, appendix B), its tables built from the lengths of its codes when first used.
///
/// The code is canonical: codes of one length grow with their symbols, and longer ones follow shorter ones.
public struct HuffmanCode: @unchecked Sendable, BitwiseCopyable {
  // Unchecked: all memory is written in `init` and only read afterwards.
  /// The tables of the process; never freed.
  public static let shared = HuffmanCode()

  /// The length of each symbol's code, 5 ... 30, as a letter from A on; the last symbol is EOS.
  private static let lengths: StaticString = """
    ISXXXXXXXTZXXZXXXXXXXXZXXXXXXXXXBFFHIBDGFFDGDBBBAAABBBBBBBCDKBHF\
    IBCCCCCCCCCCCCCCCCCCCCCCDCDIOIJBKABABABBBACCBBBABCBAABCCCCCKGJIX\
    PRPPRRRSRSSSSSTSTTRSTSSSSQRSRSSTRQPRRSSQSRRTQRSSQQRQSRSSPRRRSRRS\
    VVPORSRUVVVWWVTUOQVWWVWTQQVVXWWWPTPQRQQSRRUUTTVSVWVVWWWWWXWWWWWV\
    Z
    """
  private static let endOfString = 256
  private static let symbols = 257

  /// What four more bits do in a state: the next state, the symbol they complete, and `Step`'s marks.
  let steps: UnsafeMutablePointer<UInt32>
  /// The codes by symbol, and their lengths in bits.
  let codes: UnsafeMutablePointer<UInt32>
  let lengths: UnsafeMutablePointer<UInt8>

  /// Marks of a step above its state (8 bits) and symbol (8 bits).
  enum Step {
    /// A symbol is complete.
    static let emits: UInt32 = 1 << 16
    /// A string may end here: what is left are at most seven bits, all set.
    static let mayEnd: UInt32 = 1 << 17
    /// EOS, which no string may hold.
    static let fails: UInt32 = 1 << 18
  }

  private init() {
    steps = .allocate(capacity: 256 * 16)
    codes = .allocate(capacity: HuffmanCode.symbols)
    lengths = .allocate(capacity: HuffmanCode.symbols)
    for symbol in 0..<HuffmanCode.symbols {
      lengths[symbol] = HuffmanCode.lengths.utf8Start[symbol] &- UInt8(ascii: "A") &+ 5
    }
    assignCodes()
    fillSteps(HuffmanTree(codes, lengths, count: HuffmanCode.symbols))
  }

  private func assignCodes() {
    var code: UInt32 = 0
    for length in UInt8(5)...30 {
      for symbol in 0..<HuffmanCode.symbols where lengths[symbol] == length {
        codes[symbol] = code
        code += 1
      }
      code <<= 1
    }
  }

  private func fillSteps(_ tree: HuffmanTree) {
    for state in 0..<tree.children.count {
      for nibble in 0..<16 {
        var node = state
        var step: UInt32 = 0
        for bit in stride(from: 3, through: 0, by: -1) {
          let child = tree.children[node][nibble >> bit & 1]
          node = child >= 0 ? child : 0
          guard child < 0 else { continue }
          let symbol = ~child
          step |= symbol == HuffmanCode.endOfString ? Step.fails : Step.emits | UInt32(symbol) << 8
        }
        if tree.isPadding[node] { step |= Step.mayEnd }
        steps[state << 4 | nibble] = step | UInt32(node)
      }
    }
  }

  /// Decodes `count` bytes to `place`, at most `capacity` of them; -1 when malformed, -2 when more would come out.
  public func decode(
    _ p: UnsafePointer<UInt8>, _ count: Int, to place: UnsafeMutablePointer<UInt8>, capacity: Int
  ) -> Int {
    var written = 0
    var step = Step.mayEnd
    for nibble in 0..<2 &* count {
      let bits = Int(p[nibble >> 1] &>> (nibble & 1 == 0 ? 4 : 0)) & 15
      step = steps[Int(step & 0xFF) << 4 | bits]
      if step & (Step.emits | Step.fails) == 0 { continue }
      guard step & Step.fails == 0 else { return -1 }
      guard written < capacity else { return -2 }
      place[written] = UInt8(truncatingIfNeeded: step >> 8)
      written &+= 1
    }
    return step & Step.mayEnd != 0 ? written : -1
  }

  /// How many bytes `encode` writes for these.
  @inline(__always)
  public func encodedCount(_ p: UnsafePointer<UInt8>, _ count: Int) -> Int {
    var bits = 0
    for index in 0..<count { bits &+= Int(lengths[Int(p[index])]) }
    return (bits &+ 7) >> 3
  }

  /// Encodes `count` bytes to `place`, which has room for `encodedCount` of them; returns how many were written.
  public func encode(_ p: UnsafePointer<UInt8>, _ count: Int, to place: UnsafeMutablePointer<UInt8>) -> Int {
    var pending: UInt64 = 0
    var bits: UInt64 = 0
    var written = 0
    for index in 0..<count {
      let symbol = Int(p[index])
      pending = pending &<< UInt64(lengths[symbol]) | UInt64(codes[symbol])
      bits &+= UInt64(lengths[symbol])
      while bits >= 8 {
        bits &-= 8
        place[written] = UInt8(truncatingIfNeeded: pending &>> bits)
        written &+= 1
      }
    }
    guard bits > 0 else { return written }
    place[written] = UInt8(truncatingIfNeeded: pending &<< (8 &- bits) | (0xFF &>> bits))
    return written &+ 1
  }
}
