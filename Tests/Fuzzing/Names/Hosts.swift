import HTTP
import HTTPReference

@testable import Configuration

/// Hosts as requests name them and as configurations do.
enum Hosts {
  static func run(_ bytes: [UInt8]) throws {
    guard bytes.count <= 512 else { return }
    let name = normalize(bytes)
    if bytes.allSatisfy({ $0 < 128 }) {
      let expected = ReferenceParser(kind: .request).authority(String(decoding: bytes, as: UTF8.self))?.name
      try requireEqual(name.map { String(decoding: $0, as: UTF8.self) }, expected, "names differ")
    } else {
      try require(name == nil, "a host that is not ASCII")
    }
    if let name { try requireEqual(normalize(name), name, "normalised twice") }
    try configured(bytes, name)
  }

  private static func normalize(_ bytes: [UInt8]) -> [UInt8]? {
    let copy = PaddedCopy(bytes, tail: "a.b")
    let name = PaddedCopy([UInt8](repeating: 0, count: HostName.maximumCount + 1))
    let count = HostName.normalize(copy.base, copy.count, into: name.base)
    return count < 0 ? nil : Array(name.prefix(count))
  }

  /// A host that a configuration takes is found by the requests that name it.
  private static func configured(_ bytes: [UInt8], _ name: [UInt8]?) throws {
    var hosts = TableHosts(lineBound: 1024)
    let copy = PaddedCopy(bytes)
    guard hosts.append(copy.base, copy.count) == nil else { return }
    let range = hosts.ranges[0]
    let host = Array(UnsafeBufferPointer(start: hosts.bytes + Int(range.start), count: range.count))
    if host.starts(with: "*.".utf8) {
      try requireEqual(normalize(Array("a".utf8) + host.dropFirst()), Array("a".utf8) + host.dropFirst(), "wildcard")
    } else {
      try requireEqual(name, host, "a configured host and a requested one")
    }
  }
}
