import Glibc
import Primitives

/// Texts of addresses, against the C library's.
enum Addresses {
  static func run(_ bytes: [UInt8]) throws {
    guard bytes.count <= 64, !bytes.contains(0) else { return }
    let copy = PaddedCopy(bytes, tail: "0123:")
    let address = IPAddress(copy.base, copy.count)
    try requireEqual(address, library(bytes), "addresses differ")
    guard let address else { return }
    let text = text(of: address)
    try requireEqual(IPAddress(String(decoding: text, as: UTF8.self)), address, "written and read: \(shown(text))")
    for bits in [0, 1, 63, 64, 65, 96, 104, 127, 128] {
      let network = IPNetwork(address, bits: bits)
      try require(network.contains(address) && network.contains(network.base), "not in its own /\(bits)")
    }
  }

  private static func text(of address: IPAddress) -> [UInt8] {
    let memory = PaddedCopy([UInt8](repeating: 0, count: IPAddress.maximumTextCount))
    var writer = ByteWriter(memory.base, capacity: IPAddress.maximumTextCount)
    writer.append(address)
    return Array(memory.prefix(writer.count))
  }

  private static func library(_ bytes: [UInt8]) -> IPAddress? {
    let text = bytes.map { CChar(bitPattern: $0) } + [0]
    var v4 = in_addr()
    if inet_pton(AF_INET, text, &v4) == 1 { return IPAddress(v4: UInt32(bigEndian: v4.s_addr)) }
    var v6: (UInt64, UInt64) = (0, 0)
    guard inet_pton(AF_INET6, text, &v6) == 1 else { return nil }
    return IPAddress(high: UInt64(bigEndian: v6.0), low: UInt64(bigEndian: v6.1))
  }
}
