public import CLinux
public import Primitives

/// A socket address in the kernel's form.
public struct SocketAddress {
  /// The kernel's form.
  public var storage = sockaddr_storage()
  /// Bytes of it that count.
  public var length: socklen_t = 0

  /// The kernel's form of `endpoint`; `nil` for a Unix path over 107 bytes.
  public init?(_ endpoint: Endpoint) {
    switch endpoint {
    case .tcp(let address, let port):
      address.isV4 ? setV4(UInt32(truncatingIfNeeded: address.low), port) : setV6(address, port)
    case .anyAddress(let port):
      setV6(IPAddress(high: 0, low: 0), port)
    case .unix(let path):
      guard setUnix(path) else { return nil }
    }
  }

  /// No address, for the kernel to fill.
  public static var empty: SocketAddress { SocketAddress(storage: sockaddr_storage(), length: 0) }

  /// An address as the kernel told it.
  public init(storage: sockaddr_storage, length: socklen_t) {
    self.storage = storage
    self.length = length
  }

  private mutating func setV4(_ value: UInt32, _ port: UInt16) {
    withUnsafeMutableBytes(of: &storage) { bytes in
      let address = bytes.baseAddress!.assumingMemoryBound(to: sockaddr_in.self)
      address.pointee.sin_family = sa_family_t(AF_INET)
      address.pointee.sin_port = port.bigEndian
      address.pointee.sin_addr.s_addr = value.bigEndian
    }
    length = socklen_t(MemoryLayout<sockaddr_in>.size)
  }

  private mutating func setV6(_ value: IPAddress, _ port: UInt16) {
    withUnsafeMutableBytes(of: &storage) { bytes in
      let address = bytes.baseAddress!.assumingMemoryBound(to: sockaddr_in6.self)
      address.pointee.sin6_family = sa_family_t(AF_INET6)
      address.pointee.sin6_port = port.bigEndian
      let start = MemoryLayout<sockaddr_in6>.offset(of: \.sin6_addr)!
      bytes.storeBytes(of: value.high.bigEndian, toByteOffset: start, as: UInt64.self)
      bytes.storeBytes(of: value.low.bigEndian, toByteOffset: start + 8, as: UInt64.self)
    }
    length = socklen_t(MemoryLayout<sockaddr_in6>.size)
  }

  private mutating func setUnix(_ path: String) -> Bool {
    let bytes = Array(path.utf8)
    guard !bytes.isEmpty, bytes.count <= 107 else { return false }
    let start = MemoryLayout<sockaddr_un>.offset(of: \.sun_path)!
    withUnsafeMutableBytes(of: &storage) { memory in
      memory.baseAddress!.assumingMemoryBound(to: sockaddr_un.self).pointee.sun_family = sa_family_t(AF_UNIX)
      memory.baseAddress!.advanced(by: start).copyMemory(from: bytes, byteCount: bytes.count)
    }
    length = socklen_t(start + bytes.count + 1)
    return true
  }

  /// The IP address, zero for Unix sockets.
  public var address: IPAddress {
    withUnsafeBytes(of: storage) { bytes in
      switch Int32(storage.ss_family) {
      case AF_INET:
        return IPAddress(v4: UInt32(bigEndian: bytes.load(fromByteOffset: 4, as: UInt32.self)))
      case AF_INET6:
        return IPAddress(
          high: UInt64(bigEndian: bytes.load(fromByteOffset: 8, as: UInt64.self)),
          low: UInt64(bigEndian: bytes.load(fromByteOffset: 16, as: UInt64.self)))
      default:
        return IPAddress(high: 0, low: 0)
      }
    }
  }

  /// The path of a Unix socket; `nil` for others, and for those without one.
  public var path: String? {
    let start = MemoryLayout<sockaddr_un>.offset(of: \.sun_path)!
    guard Int32(storage.ss_family) == AF_UNIX, Int(length) > start else { return nil }
    let path = withUnsafeBytes(of: storage) { bytes in
      Array(bytes[start..<min(Int(length), MemoryLayout<sockaddr_un>.size)].prefix { $0 != 0 })
    }
    return path.isEmpty ? nil : String(decoding: path, as: UTF8.self)
  }

  /// The address as an endpoint; `nil` for a Unix socket without a path.
  public var endpoint: Endpoint? {
    Int32(storage.ss_family) == AF_UNIX ? path.map { .unix($0) } : .tcp(address, port: port)
  }

  /// The TCP port, 0 for Unix sockets.
  public var port: UInt16 {
    let family = Int32(storage.ss_family)
    guard family == AF_INET || family == AF_INET6 else { return 0 }
    return withUnsafeBytes(of: storage) { UInt16(bigEndian: $0.load(fromByteOffset: 2, as: UInt16.self)) }
  }
}
