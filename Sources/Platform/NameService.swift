import CLinux
public import Primitives

/// The system's name resolution; it may block.
public enum NameService {
  /// The addresses of `name`, in the system's order; none when there are none.
  public static func addresses(of name: String) -> [IPAddress] {
    var hints = addrinfo()
    hints.ai_family = AF_UNSPEC
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(name, nil, &hints, &list) == 0 else { return [] }
    defer { freeaddrinfo(list) }
    var addresses: [IPAddress] = []
    var next = list
    while let entry = next {
      if let bytes = entry.pointee.ai_addr {
        var storage = sockaddr_storage()
        withUnsafeMutableBytes(of: &storage) {
          $0.baseAddress!.copyMemory(from: UnsafeRawPointer(bytes), byteCount: Int(entry.pointee.ai_addrlen))
        }
        addresses.append(SocketAddress(storage: storage, length: entry.pointee.ai_addrlen).address)
      }
      next = entry.pointee.ai_next
    }
    return addresses
  }
}
