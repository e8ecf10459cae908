public import Primitives

extension ProxyHeader {
  /// How a connection says whom it speaks for.
  public enum Form: UInt8, Sendable, BitwiseCopyable {
    /// Not at all.
    case none
    /// Version 1.
    case text
    /// Version 2.
    case binary
    /// Version 2 with a checksum.
    case checked
  }

  /// Whom a connection speaks for. Texts are at most 255 bytes.
  public struct Claim {
    /// The client, and where it connected to; `nil` where one has no address.
    public var addresses: (client: IPAddress, clientPort: UInt16, server: IPAddress, serverPort: UInt16)?
    /// The tenant's id; version 2 only.
    public var tenant = UnsafeBufferPointer<UInt8>(start: nil, count: 0)
    /// The name that the client's handshake asked for, if it did; version 2 only.
    public var authority = UnsafeBufferPointer<UInt8>(start: nil, count: 0)

    /// A claim of nothing.
    public init() {}
  }

  /// Bytes of a header at most.
  public static let longest = 16 + 36 + 2 * (3 + 255) + 7
  private static let authorityType: UInt8 = 0x02
  private static let checksumType: UInt8 = 0x03
  private static let tenantType: UInt8 = 0xE0

  /// Writes the header of a connection that speaks for a client; with no claim, for nobody but the proxy.
  public static func write(_ form: Form, _ claim: Claim?, to writer: inout ByteWriter) {
    switch form {
    case .none: break
    case .text: writeText(claim, &writer)
    case .binary, .checked: writeBinary(claim, isChecked: form == .checked, &writer)
    }
  }

  private static func writeText(_ claim: Claim?, _ writer: inout ByteWriter) {
    guard let addresses = claim?.addresses else { return writer.append("PROXY UNKNOWN\r\n") }
    let isV4 = addresses.client.isV4 && addresses.server.isV4
    writer.append(isV4 ? "PROXY TCP4 " : "PROXY TCP6 ")
    for address in [addresses.client, addresses.server] {
      // Beside an address of version 6 one of version 4 is written as that.
      if address.isV4, !isV4 { writer.append("::ffff:") }
      writer.append(address)
      writer.append(" ")
    }
    writer.append(decimal: Int64(addresses.clientPort))
    writer.append(" ")
    writer.append(decimal: Int64(addresses.serverPort))
    writer.append("\r\n")
  }

  private static func writeBinary(_ claim: Claim?, isChecked: Bool, _ writer: inout ByteWriter) {
    let start = writer.count
    writer.append("\r\n\r\n\0\r\nQUIT\n")
    writer.append(byte: claim == nil ? 0x20 : 0x21)
    let isV4 = claim?.addresses.map { $0.client.isV4 && $0.server.isV4 } ?? false
    writer.append(byte: claim?.addresses == nil ? 0 : isV4 ? 0x11 : 0x21)
    append(0, bytes: 2, &writer)
    if let addresses = claim?.addresses {
      for address in [addresses.client, addresses.server] {
        if !isV4 { append(address.high, bytes: 8, &writer) }
        append(address.low, bytes: isV4 ? 4 : 8, &writer)
      }
      append(UInt64(addresses.clientPort), bytes: 2, &writer)
      append(UInt64(addresses.serverPort), bytes: 2, &writer)
    }
    if let claim {
      append(authorityType, claim.authority, &writer)
      append(tenantType, claim.tenant, &writer)
    }
    if isChecked {
      writer.append(byte: checksumType)
      append(4, bytes: 2, &writer)
      append(0, bytes: 4, &writer)
    }
    guard !writer.hasOverflowed else { return }
    let header = writer.base + start
    let count = writer.count - start
    header[14] = UInt8(truncatingIfNeeded: (count - 16) >> 8)
    header[15] = UInt8(truncatingIfNeeded: count - 16)
    guard isChecked else { return }
    let sum = CRC32C.of(header, count)
    for index in 0..<4 { header[count - 4 + index] = UInt8(truncatingIfNeeded: sum >> UInt32(24 - 8 * index)) }
  }

  /// Appends a field of type, length and value; nothing for an empty one.
  private static func append(_ type: UInt8, _ value: UnsafeBufferPointer<UInt8>, _ writer: inout ByteWriter) {
    guard let start = value.baseAddress, (1...255).contains(value.count) else { return }
    writer.append(byte: type)
    append(UInt64(value.count), bytes: 2, &writer)
    writer.append(start, value.count)
  }

  private static func append(_ number: UInt64, bytes count: Int, _ writer: inout ByteWriter) {
    for index in 0..<count {
      writer.append(byte: UInt8(truncatingIfNeeded: number >> UInt64(8 * (count - 1 - index))))
    }
  }
}
