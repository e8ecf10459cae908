import CLinux

/// Folders and files of the machine, without Foundation.
enum Folder {
  /// The names in a folder.
  static func names(in path: String) throws(SystemError) -> [String] {
    guard let folder = opendir(path) else { throw SystemError("opendir") }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      names.append(name)
    }
    return names
  }

  /// What tells one version of a file from another; `nil` when there is none.
  static func facts(of path: String) -> [Int64]? {
    var facts = stat()
    guard stat(path, &facts) == 0 else { return nil }
    return [Int64(facts.st_ino), Int64(facts.st_size), Int64(facts.st_mtim.tv_sec), Int64(facts.st_mtim.tv_nsec)]
  }

  /// The bytes of a regular file, `most` of them at most.
  static func read(_ path: String, most: Int) throws(SystemError) -> [UInt8] {
    let file = linux_open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0)
    guard file >= 0 else { throw SystemError("open") }
    defer { _ = close(file) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 16 << 10)
    while bytes.count < most {
      let count = CLinux.read(file, &piece, piece.count)
      guard count >= 0 else { throw SystemError("read") }
      if count == 0 { break }
      bytes += piece[0..<count]
    }
    return bytes
  }
}
