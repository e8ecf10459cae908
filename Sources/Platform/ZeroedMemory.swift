import CLinux

/// Large tables of zeroes that cost address space until they are touched.
public enum ZeroedMemory {
  /// Zeroed memory for `count` trivial values, page by page as it is touched; traps when there is no address space.
  public static func reserve<Element: BitwiseCopyable>(_ type: Element.Type, count: Int) -> UnsafeMutablePointer<
    Element
  > {
    guard let memory = linux_reserve(count * MemoryLayout<Element>.stride) else {
      fatalError("no address space for \(count) entries")
    }
    return memory.bindMemory(to: Element.self, capacity: count)
  }

  /// Gives back what `reserve` gave.
  public static func release<Element: BitwiseCopyable>(_ memory: UnsafeMutablePointer<Element>, count: Int) {
    linux_release(memory, count * MemoryLayout<Element>.stride)
  }
}
