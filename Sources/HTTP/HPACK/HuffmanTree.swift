/// The code as a tree, while its tables are built: 256 inner nodes, the root first.
struct HuffmanTree {
  /// For each inner node what a 0 and a 1 lead to: another inner node, or the complement of a symbol.
  private(set) var children: [[Int]] = [[0, 0]]
  /// Whether a string may end at an inner node: its path from the root is at most seven bits, all set.
  private(set) var isPadding: [Bool] = [true]

  /// The tree of `count` codes.
  init(_ codes: UnsafePointer<UInt32>, _ lengths: UnsafePointer<UInt8>, count: Int) {
    for symbol in 0..<count {
      var node = 0
      let length = Int(lengths[symbol])
      for depth in 1..<length {
        let bit = Int(codes[symbol] >> UInt32(length - depth) & 1)
        // 0 is the root, which nothing leads to: it stands for a node that is not there yet.
        if children[node][bit] == 0 { children[node][bit] = add(isPadding: isPadding[node] && bit == 1 && depth < 8) }
        node = children[node][bit]
      }
      children[node][Int(codes[symbol] & 1)] = ~symbol
    }
  }

  private mutating func add(isPadding padding: Bool) -> Int {
    children.append([0, 0])
    isPadding.append(padding)
    return children.count - 1
  }
}
