/// An IP address: IPv4 as its IPv6-mapped form, so that one comparison fits both.
public struct IPAddress: Hashable, Sendable, BitwiseCopyable {
  /// The first eight bytes, as a big-endian number.
  public var high: UInt64
  /// The last eight bytes, as a big-endian number.
  public var low: UInt64

  /// The address of these sixteen bytes.
  @inlinable public init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// The IPv4 address `value`, read as a big-endian number (127.0.0.1 is 0x7F000001).
  @inlinable public init(v4 value: UInt32) { self.init(high: 0, low: 0xFFFF_0000_0000 | UInt64(value)) }

  /// Whether this is an IPv4 address.
  @inlinable public var isV4: Bool { high == 0 && low >> 32 == 0xFFFF }

  /// Whether this is an address of the machine itself that no other can reach: 127.0.0.0/8 or ::1.
  public var isLoopback: Bool { isV4 ? low >> 24 & 0xFF == 127 : high == 0 && low == 1 }
}

/// A run of addresses in CIDR form, such as `10.0.0.0/8`.
public struct IPNetwork: Hashable, Sendable, BitwiseCopyable {
  /// The first address of the network.
  public var base: IPAddress
  /// Leading bits that count, of 128 (an IPv4 `/8` is 104).
  public var bits: Int

  /// The network of the first `bits` (0 ... 128) of `base`; the rest of `base` is cleared.
  public init(_ base: IPAddress, bits: Int) {
    self.bits = bits
    self.base = IPAddress(high: base.high & IPNetwork.mask(bits), low: base.low & IPNetwork.mask(bits - 64))
  }

  /// Whether `address` lies in the network.
  public func contains(_ address: IPAddress) -> Bool {
    address.high & IPNetwork.mask(bits) == base.high && address.low & IPNetwork.mask(bits - 64) == base.low
  }

  private static func mask(_ bits: Int) -> UInt64 {
    bits <= 0 ? 0 : bits >= 64 ? .max : ~(UInt64.max >> UInt64(bits))
  }
}

/// Where a socket listens or connects: an IP address and port, or the path of a Unix socket.
public enum Endpoint: Hashable, Sendable {
  /// A TCP port of an address.
  case tcp(IPAddress, port: UInt16)
  /// A TCP port on every address of the machine, IPv6 and IPv4 alike.
  case anyAddress(port: UInt16)
  /// A Unix stream socket at a path of the file system (at most 107 bytes).
  case unix(String)
}
