import FoundationEssentials
import Glibc

/// Why the audit log could not be written or read.
struct AuditFault: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }

  init(_ action: String, _ path: String, _ number: Int32 = errno) {
    description = "can't \(action) \(path): \(String(cString: strerror(number)))"
  }
}

/// The files of an audit log: `audit.log` that is written, `audit-N.log` before it, each called by its first entry, and
/// `audit.head`.
struct AuditFolder: Sendable {
  let path: String

  var current: String { "\(path)/audit.log" }
  var head: String { "\(path)/audit.head" }

  /// The file of older entries that begins with number `first`.
  func older(_ first: Int64) -> String {
    let digits = String(first)
    return "\(path)/audit-\(String(repeating: "0", count: max(0, 12 - digits.count)))\(digits).log"
  }

  /// The first numbers of the files of older entries, ascending.
  func olderFirsts() -> [Int64] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    return names.compactMap { name in
      guard name.hasPrefix("audit-"), name.hasSuffix(".log") else { return nil }
      return Int64(name.dropFirst(6).dropLast(4))
    }.sorted()
  }

  /// The bytes of a file; `nil` when there is none.
  static func read(_ path: String) throws(AuditFault) -> [UInt8]? {
    guard access(path, F_OK) == 0 else {
      if errno == ENOENT { return nil }
      throw AuditFault("read", path)
    }
    guard let data = FileManager.default.contents(atPath: path) else { throw AuditFault("read", path, EACCES) }
    return [UInt8](data)
  }

  /// The lines of a file, each without its newline, and what stands behind the last newline.
  static func lines(_ bytes: [UInt8]) -> (whole: [ArraySlice<UInt8>], rest: ArraySlice<UInt8>) {
    var lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
    let rest = lines.popLast() ?? []
    return (lines, rest)
  }
}
