public import ConfigLanguage
import FoundationEssentials

extension SourceAccess {
  /// Files of the machine.
  public static var machine: SourceAccess {
    SourceAccess(
      read: { path in
        var isFolder = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
          return .failed("no such file")
        }
        if isFolder { return .failed("it is a directory") }
        guard let data = FileManager.default.contents(atPath: path) else { return .failed("permission denied") }
        return .bytes([UInt8](data))
      },
      match: FilePattern.paths,
      identify: { URL(fileURLWithPath: $0).resolvingSymlinksInPath().path })
  }
}

/// Paths with `*`, `?` and `[…]` in them, as a shell reads them.
enum FilePattern {
  /// The most paths one pattern may stand for.
  static let mostPaths = 10_000

  /// The paths that match, sorted; `*` doesn't match names that start with a dot.
  static func paths(_ pattern: String) -> [String] {
    var found = [pattern.hasPrefix("/") ? "/" : ""]
    for part in pattern.split(separator: "/") {
      found = found.flatMap { expand(String(part), in: $0) }
      if found.count > mostPaths { found.removeLast(found.count - mostPaths) }
    }
    var isFolder = false
    return found.filter { FileManager.default.fileExists(atPath: $0, isDirectory: &isFolder) && !isFolder }
      .sorted()
  }

  private static func expand(_ part: String, in folder: String) -> [String] {
    let prefix = folder.isEmpty || folder.hasSuffix("/") ? folder : folder + "/"
    guard SourceAccess.isPattern(part) else { return [prefix + part] }
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.isEmpty ? "." : folder)) ?? []
    let wanted = Array(part.utf8)
    return names.filter { name in
      (!name.hasPrefix(".") || part.hasPrefix(".")) && matches(wanted, Array(name.utf8))
    }.map { prefix + $0 }
  }

  /// Whether `name` matches `pattern`; goes back to the last `*` only, so the work is bounded by their product.
  static func matches(_ pattern: [UInt8], _ name: [UInt8]) -> Bool {
    var p = 0
    var n = 0
    var retry: (p: Int, n: Int)?
    while n < name.count {
      if p < pattern.count, pattern[p] == UInt8(ascii: "*") {
        p += 1
        retry = (p, n)
      } else if let next = step(pattern, p, name[n]) {
        p = next
        n += 1
      } else if let last = retry {
        p = last.p
        n = last.n + 1
        retry = (last.p, n)
      } else {
        return false
      }
    }
    return pattern[p...].allSatisfy { $0 == UInt8(ascii: "*") }
  }

  /// Where the pattern goes on after `byte`; `nil` when it doesn't take that byte.
  private static func step(_ pattern: [UInt8], _ at: Int, _ byte: UInt8) -> Int? {
    guard at < pattern.count else { return nil }
    if pattern[at] == UInt8(ascii: "?") { return at + 1 }
    if pattern[at] == UInt8(ascii: "["), let close = pattern[(at + 1)...].dropFirst().firstIndex(of: UInt8(ascii: "]"))
    {
      var set = pattern[(at + 1)..<close]
      let isNegated = set.first == UInt8(ascii: "!") || set.first == UInt8(ascii: "^")
      if isNegated { set.removeFirst() }
      return contains(Array(set), byte) != isNegated ? close + 1 : nil
    }
    return pattern[at] == byte ? at + 1 : nil
  }

  /// Whether a set such as `a-z_` has `byte`.
  private static func contains(_ set: [UInt8], _ byte: UInt8) -> Bool {
    var index = 0
    while index < set.count {
      if index + 2 < set.count, set[index + 1] == UInt8(ascii: "-") {
        if set[index] <= byte, byte <= set[index + 2] { return true }
        index += 3
      } else {
        if set[index] == byte { return true }
        index += 1
      }
    }
    return false
  }
}
