/// How the language reaches files; the outside world in three functions.
public struct SourceAccess {
  /// What reading a file gave.
  public enum Reading {
    /// Its bytes.
    case bytes([UInt8])
    /// Why it can't be read, in a few words.
    case failed(String)
  }

  /// Reads the file at a path.
  public var read: (_ path: String) -> Reading
  /// The paths that match a pattern with `*`, `?` or `[…]`, sorted.
  public var match: (_ pattern: String) -> [String]
  /// One spelling for all paths of the same file, so that a loop of includes is seen.
  public var identify: (_ path: String) -> String

  /// Files reached by these functions.
  public init(
    read: @escaping (String) -> Reading, match: @escaping (String) -> [String] = { [$0] },
    identify: @escaping (String) -> String = { $0 }
  ) {
    self.read = read
    self.match = match
    self.identify = identify
  }

  /// `path` seen from the folder of the file `including`; absolute paths stay as they are.
  public static func path(_ path: String, besides including: String) -> String {
    guard !path.utf8.starts(with: "/".utf8), let slash = including.utf8.lastIndex(of: UInt8(ascii: "/")) else {
      return path
    }
    return String(including[...slash]) + path
  }

  /// Whether `path` has a character that stands for several paths.
  public static func isPattern(_ path: String) -> Bool { path.utf8.contains { $0 == 0x2A || $0 == 0x3F || $0 == 0x5B } }
}
