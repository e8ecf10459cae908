import Glibc

/// Files for tests.
enum TableFixture {
  /// An open file that holds `bytes`, read from its start.
  static func file(_ bytes: [UInt8]) -> Int32 {
    let path = path(bytes)
    defer { _ = unlink(path) }
    return open(path, O_RDONLY)
  }

  /// The path of a new file that holds `bytes`; the caller removes it.
  static func path(_ bytes: [UInt8]) -> String {
    var template = Array("/tmp/gatehouse-table-XXXXXX\0".utf8CString)
    let file = mkstemp(&template)
    defer { _ = close(file) }
    var written = 0
    while written < bytes.count {
      let put = bytes.withUnsafeBytes { write(file, $0.baseAddress! + written, bytes.count - written) }
      precondition(put > 0)
      written += put
    }
    return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
