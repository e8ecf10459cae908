import Platform

/// What this binary was built from.
public enum Build {
  /// The release.
  public static let version = "0.1.0"
  /// The commit, "unknown" unless the linker was told: `deploy/common.sh` passes it as the id of the build.
  public static var commit: String { commit(in: Libraries.buildID) }
  /// What this release can do, beside the plain proxy.
  public static let features = ["http/1.1", "websocket", "tenants", "limits", "affinity", "metrics", "systemd"]

  /// The Swift compiler's version.
  public static var swift: String {
    #if compiler(>=6.4)
      "6.4 or later"
    #elseif compiler(>=6.3.1)
      "6.3.1"
    #elseif compiler(>=6.3)
      "6.3"
    #elseif compiler(>=6.2)
      "6.2"
    #else
      "6.1"
    #endif
  }

  /// What an id says of the commit: text behind `commit:`, while the linker's own ids are a hash.
  static func commit(in id: [UInt8]) -> String {
    let mark = Array("commit:".utf8)
    guard id.starts(with: mark), id.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return "unknown" }
    return String(decoding: id.dropFirst(mark.count), as: UTF8.self)
  }

  /// The version of the OpenSSL that is loaded, such as "3.0.19".
  public static var openSSL: String {
    let words = Libraries.openSSL.split(separator: " ")
    return words.count > 1 ? String(words[1]) : Libraries.openSSL
  }

  /// The answer to `gatehouse version`.
  public static var text: String {
    """
    gatehouse \(version)
      commit    \(commit)
      swift     \(swift)
      openssl   \(openSSL)
      features  \(features.joined(separator: " "))
    """
  }

  /// The same as one JSON object.
  public static var json: String {
    let list = features.map { "\"\($0)\"" }.joined(separator: ",")
    let facts = [("version", version), ("commit", commit), ("swift", swift), ("openssl", openSSL)]
    return "{" + facts.map { "\"\($0)\":\"\($1)\"," }.joined() + "\"features\":[\(list)]}"
  }
}
