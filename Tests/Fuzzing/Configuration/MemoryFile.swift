import Glibc

/// Files that are nowhere but in memory: pipes, filled before they are read.
enum MemoryFile {
  /// Bytes that the smallest pipe holds.
  static let bound = 1 << 14

  /// An open file that holds `bytes`, at most `bound` of them.
  static func open(_ bytes: [UInt8]) -> Int32 {
    precondition(bytes.count <= bound)
    var ends: [Int32] = [-1, -1]
    precondition(pipe(&ends) == 0)
    precondition(bytes.isEmpty || write(ends[1], bytes, bytes.count) == bytes.count)
    close(ends[1])
    return ends[0]
  }
}
