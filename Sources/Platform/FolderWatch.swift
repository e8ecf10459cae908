import CLinux

/// Tells which files of a folder have changed (inotify). For one thread.
public final class FolderWatch: @unchecked Sendable {
  // Unchecked: the descriptor is written once; the kernel orders reads of it.
  private let descriptor: Int32

  /// A watch of the folder at `path`.
  public init(_ path: String) throws(SystemError) {
    descriptor = linux_watch_create()
    guard descriptor >= 0 else { throw SystemError("inotify_init") }
    guard linux_watch_folder(descriptor, path) >= 0 else {
      let error = SystemError("inotify_add_watch")
      _ = close(descriptor)
      throw error
    }
  }

  deinit { _ = close(descriptor) }

  /// Names of the files that changed since the last call; `nil` when too many did to remember them.
  public func changes() -> Set<String>? {
    var names: Set<String> = []
    var hasLost = false
    withUnsafeTemporaryAllocation(byteCount: 16 << 10, alignment: 8) { buffer in
      while true {
        let count = read(descriptor, buffer.baseAddress, buffer.count)
        guard count > 0 else { return }
        var place = 0
        let events = buffer.baseAddress!.assumingMemoryBound(to: CChar.self)
        while place < count {
          if let name = linux_watch_next(events, &place) {
            names.insert(String(cString: name))
          } else {
            hasLost = true
          }
        }
      }
    }
    return hasLost ? nil : names
  }
}
