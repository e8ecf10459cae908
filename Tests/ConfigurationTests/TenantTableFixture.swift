import Glibc

/// Files for tests, gone when they are closed.
enum TableFixture {
  /// An open file that holds `bytes`, read from its start.
  static func file(_ bytes: [UInt8]) -> Int32 {
    var template = Array("/tmp/gatehouse-table-XXXXXX\0".utf8CString)
    let file = mkstemp(&template)
    _ = unlink(template)
    var written = 0
    while written < bytes.count {
      let put = bytes.withUnsafeBytes { write(file, $0.baseAddress! + written, bytes.count - written) }
      precondition(put > 0)
      written += put
    }
    _ = lseek(file, 0, SEEK_SET)
    return file
  }
}
