import Glibc
import Platform

/// The file that holds the key of affinity cookies: 32 hex digits, for its owner's eyes only.
///
/// Made on the first start; copied to other replicas it makes their cookies good everywhere.
public struct KeyFile: Sendable {
  /// Why there is no key, in the operator's words.
  public struct Failure: Error, CustomStringConvertible, Equatable {
    /// The file.
    public var path: String
    /// What is wrong with it and what to do.
    public var reason: String

    /// The file and the reason.
    public var description: String { "affinity key \(path): \(reason)" }
  }

  /// Bytes of a key.
  public static let keyCount = 16
  /// The file's name where none is configured.
  public static let name = ".gatehouse-affinity.key"

  /// The key, `keyCount` bytes.
  public let key: [UInt8]
  /// Whether the file was made just now.
  public let isNew: Bool
  /// The file.
  public let path: String

  /// Where the file is: in the first directory of `$STATE_DIRECTORY`, else next to the configuration.
  public static func path(environment: [String: String], configPath: String) -> String {
    if let first = environment["STATE_DIRECTORY"]?.split(separator: ":").first { return "\(first)/\(name)" }
    guard let slash = configPath.lastIndex(of: "/") else { return "./\(name)" }
    return configPath[...slash] + name
  }

  /// Reads the file at `path`, or makes it if there is none; of several processes that make it at once one wins.
  public init(path: String) throws(Failure) {
    self.path = path
    if let key = try KeyFile.read(path) {
      (self.key, isNew) = (key, false)
      return
    }
    isNew = try KeyFile.make(path)
    guard let key = try KeyFile.read(path) else {
      throw Failure(path: path, reason: "vanished while it was being made")
    }
    self.key = key
  }

  /// The key in the file, or `nil` if there is no file.
  private static func read(_ path: String) throws(Failure) -> [UInt8]? {
    let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    if file < 0, errno == ENOENT { return nil }
    guard file >= 0 else { throw failure(path, "can't be opened") }
    defer { _ = close(file) }
    var facts = stat()
    guard fstat(file, &facts) == 0 else { throw failure(path, "can't be examined") }
    guard facts.st_mode & S_IFMT == S_IFREG else { throw Failure(path: path, reason: "is not a regular file") }
    guard facts.st_uid == geteuid() || facts.st_uid == 0 else {
      throw Failure(
        path: path, reason: "belongs to user \(facts.st_uid), who could know the key; remove it or chown it")
    }
    let mode = facts.st_mode & 0o7777
    guard mode & 0o077 == 0 else {
      let octal = "0" + String(mode, radix: 8)
      throw Failure(path: path, reason: "has mode \(octal), others may read or change it; run 'chmod 600 \(path)'")
    }
    return try parse(file, path)
  }

  private static func parse(_ file: Int32, _ path: String) throws(Failure) -> [UInt8] {
    var text = [UInt8](repeating: 0, count: keyCount * 2 + 3)
    var count = 0
    while count < text.count {
      let room = text.count - count
      let got = text.withUnsafeMutableBytes { Glibc.read(file, $0.baseAddress! + count, room) }
      if got < 0, errno == EINTR { continue }
      guard got >= 0 else { throw failure(path, "can't be read") }
      if got == 0 { break }
      count += got
    }
    var digits = text[..<count]
    while let last = digits.last, last == 0x0A || last == 0x0D { digits.removeLast() }
    let values = digits.compactMap { Character(UnicodeScalar($0)).hexDigitValue }
    guard digits.count == keyCount * 2, values.count == digits.count else {
      let advice = "remove it to have a new one made"
      throw Failure(path: path, reason: "must hold \(keyCount * 2) hex digits and nothing else; \(advice)")
    }
    return (0..<keyCount).map { UInt8(values[$0 * 2] << 4 | values[$0 * 2 + 1]) }
  }

  /// Makes the file whole under another name and links it to its own; `false` when somebody was quicker.
  private static func make(_ path: String) throws(Failure) -> Bool {
    let suffix = Machine.randomBytes(8).map { hex($0) }.joined()
    let draft = "\(path).\(suffix)"
    let file = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard file >= 0 else { throw failure(path, "can't be made") }
    defer { _ = unlink(draft) }
    let text = Array((Machine.randomBytes(keyCount).map { hex($0) }.joined() + "\n").utf8)
    let isWritten = fchmod(file, 0o600) == 0 && write(file, text, text.count) == text.count && fsync(file) == 0
    let number = errno
    _ = close(file)
    errno = number
    guard isWritten else { throw failure(path, "can't be written") }
    if link(draft, path) == 0 {
      syncDirectory(of: path)
      return true
    }
    if errno == EEXIST { return false }
    // Some file systems have no links. What is read back is what counts, should two rename at once.
    if errno == EPERM || errno == ENOTSUP || errno == ENOSYS, rename(draft, path) == 0 { return true }
    throw failure(path, "can't be made")
  }

  private static func syncDirectory(of path: String) {
    let directory = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
    let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    _ = fsync(descriptor)
    _ = close(descriptor)
  }

  private static func hex(_ byte: UInt8) -> String { (byte < 16 ? "0" : "") + String(byte, radix: 16) }

  private static func failure(_ path: String, _ what: String) -> Failure {
    Failure(path: path, reason: "\(what): \(String(cString: strerror(errno)))")
  }
}
