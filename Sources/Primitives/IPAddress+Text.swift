extension IPAddress {
  /// The longest text of an address, in bytes.
  public static let maximumTextCount = 39

  /// Reads an IPv4 address in four decimal parts without leading zeros, or an IPv6 address (RFC 4291 §2.2) with at
  /// most one `::` and perhaps an IPv4 tail; nil for anything else, brackets and zones among it.
  public init?(_ text: UnsafePointer<UInt8>, _ count: Int) {
    guard count >= 2, count <= 45 else { return nil }
    if let value = IPAddress.readV4(text, count) {
      self.init(v4: value)
    } else {
      self.init(v6: text, count)
    }
  }

  /// Reads an address in text form; nil when it is malformed.
  public init?(_ text: some StringProtocol) {
    let bytes = Array(text.utf8)
    let address = bytes.withUnsafeBufferPointer { buffer in
      buffer.baseAddress.flatMap { IPAddress($0, buffer.count) }
    }
    guard let address else { return nil }
    self = address
  }

  private static func readV4(_ text: UnsafePointer<UInt8>, _ count: Int) -> UInt32? {
    guard count >= 7, count <= 15 else { return nil }
    var value: UInt32 = 0
    var parts = 0
    var at = 0
    while parts < 4 {
      let start = at
      var part: UInt32 = 0
      while at < count, at - start < 3, text[at] &- 0x30 <= 9 {
        part = part * 10 + UInt32(text[at] &- 0x30)
        at += 1
      }
      guard at > start, part <= 255, at - start == 1 || text[start] != 0x30 else { return nil }
      value = value << 8 | part
      parts += 1
      guard parts < 4 else { break }
      guard at < count, text[at] == UInt8(ascii: ".") else { return nil }
      at += 1
    }
    return at == count ? value : nil
  }

  private init?(v6 text: UnsafePointer<UInt8>, _ count: Int) {
    var groups = IPv6Groups()
    var at = 0
    if text[0] == UInt8(ascii: ":") {
      guard text[1] == UInt8(ascii: ":") else { return nil }
      groups.gap = 0
      at = 2
    }
    while at < count {
      guard groups.count < 8 else { return nil }
      let start = at
      var group: UInt64 = 0
      while at < count, at - start < 4, let digit = IPAddress.hexDigit(text[at]) {
        group = group << 4 | digit
        at += 1
      }
      guard at > start else { return nil }
      if at < count, text[at] == UInt8(ascii: ".") {
        guard groups.count <= 6, let tail = IPAddress.readV4(text + start, count - start) else { return nil }
        groups.append(UInt64(tail >> 16))
        groups.append(UInt64(tail & 0xFFFF))
        at = count
        break
      }
      groups.append(group)
      guard at < count else { break }
      guard text[at] == UInt8(ascii: ":"), at + 1 < count else { return nil }
      at += 1
      if text[at] == UInt8(ascii: ":") {
        guard groups.gap < 0 else { return nil }
        groups.gap = groups.count
        at += 1
      }
    }
    guard let address = groups.address else { return nil }
    self = address
  }

  private static func hexDigit(_ byte: UInt8) -> UInt64? {
    if byte &- 0x30 <= 9 { return UInt64(byte &- 0x30) }
    let letter = (byte | 0x20) &- 0x61
    return letter < 6 ? UInt64(letter + 10) : nil
  }
}

/// The groups of an IPv6 address as they are read, and where `::` stood among them.
private struct IPv6Groups {
  /// The groups so far, the last one lowest.
  var high: UInt64 = 0
  var low: UInt64 = 0
  var count = 0
  /// How many groups stood before `::`; -1 without one.
  var gap = -1

  mutating func append(_ group: UInt64) {
    high = high << 16 | low >> 48
    low = low << 16 | group
    count += 1
  }

  /// The whole address; nil with too few groups, or too many beside a `::`.
  var address: IPAddress? {
    guard gap >= 0 else { return count == 8 ? IPAddress(high: high, low: low) : nil }
    guard count < 8 else { return nil }
    // What stood before the gap moves to the top, what stood after it is at the bottom already.
    let tail = IPv6Groups.lowest(count - gap, of: (high, low))
    let head = (high: high ^ tail.high, low: low ^ tail.low)
    let moved = IPv6Groups.raise(head, by: 8 - count)
    return IPAddress(high: moved.high | tail.high, low: moved.low | tail.low)
  }

  private static func lowest(_ groups: Int, of value: (high: UInt64, low: UInt64)) -> (high: UInt64, low: UInt64) {
    if groups >= 4 { return (value.high & ~(.max << UInt64((groups - 4) * 16)), value.low) }
    return (0, value.low & ~(UInt64.max << UInt64(groups * 16)))
  }

  private static func raise(_ value: (high: UInt64, low: UInt64), by groups: Int) -> (high: UInt64, low: UInt64) {
    var (high, low) = value
    for _ in 0..<groups {
      high = high << 16 | low >> 48
      low <<= 16
    }
    return (high, low)
  }
}

extension ByteWriter {
  /// Writes a number of at most three digits; returns the place behind it.
  @inline(__always)
  private static func write(_ octet: UInt8, at place: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
    var place = place
    if octet >= 100 {
      place.pointee = UInt8(ascii: "0") &+ octet / 100
      place += 1
    }
    if octet >= 10 {
      place.pointee = UInt8(ascii: "0") &+ octet / 10 % 10
      place += 1
    }
    place.pointee = UInt8(ascii: "0") &+ octet % 10
    return place + 1
  }

  /// Appends an IPv4 address where there is room for the longest.
  private mutating func append(v4 value: UInt32) {
    guard let start = reserve(15) else { return }
    var place = ByteWriter.write(UInt8(truncatingIfNeeded: value &>> 24), at: start)
    var shift: UInt32 = 24
    while shift > 0 {
      shift &-= 8
      place.pointee = UInt8(ascii: ".")
      place = ByteWriter.write(UInt8(truncatingIfNeeded: value &>> shift), at: place + 1)
    }
    written &-= 15 &- (place - start)
  }

  /// Appends the text of an address: IPv4 in decimal parts, IPv6 as RFC 5952 recommends; at most 39 bytes.
  public mutating func append(_ address: IPAddress) {
    if address.isV4 {
      if capacity &- written >= 15 { return append(v4: UInt32(truncatingIfNeeded: address.low)) }
      for shift in stride(from: UInt64(24), through: 0, by: -8) {
        append(decimal: Int64((address.low >> shift) & 0xFF))
        if shift > 0 { append(byte: UInt8(ascii: ".")) }
      }
    } else {
      appendV6(address)
    }
  }

  private mutating func appendV6(_ address: IPAddress) {
    func group(_ index: Int) -> UInt64 {
      ((index < 4 ? address.high : address.low) >> UInt64((3 - index & 3) * 16)) & 0xFFFF
    }
    // The longest run of at least two zero groups, the first of equals.
    var best = (start: 8, count: 1)
    var start = 0
    for index in 0..<8 {
      if group(index) != 0 {
        start = index + 1
      } else if index + 1 - start > best.count {
        best = (start, index + 1 - start)
      }
    }
    var index = 0
    while index < 8 {
      if index == best.start {
        append("::")
        index += best.count
        continue
      }
      if index > 0, index != best.start + best.count { append(byte: UInt8(ascii: ":")) }
      append(hex: group(index))
      index += 1
    }
  }
}

extension IPAddress: CustomStringConvertible {
  /// The text of the address: IPv4 in decimal parts, IPv6 as RFC 5952 recommends.
  public var description: String {
    String(unsafeUninitializedCapacity: IPAddress.maximumTextCount) { buffer in
      guard let base = buffer.baseAddress else { return 0 }
      var writer = ByteWriter(base, capacity: buffer.count)
      writer.append(self)
      return writer.count
    }
  }
}

extension Endpoint: CustomStringConvertible {
  /// The endpoint as a configuration names it: `127.0.0.1:80`, `[::1]:80`, `*:80` or `unix:/path`.
  public var description: String {
    switch self {
    case .tcp(let address, let port): return address.isV4 ? "\(address):\(port)" : "[\(address)]:\(port)"
    case .anyAddress(let port): return "*:\(port)"
    case .unix(let path): return "unix:\(path)"
    }
  }
}
