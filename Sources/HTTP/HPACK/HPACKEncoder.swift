import Primitives

/// Encodes field blocks of HPACK (RFC 7541) with the static table only: the peer's dynamic table stays empty, so that
/// nothing about a secret can be learnt from the size of a block (§7.1) and a connection keeps no state for it.
///
/// Strings are Huffman-coded where that is shorter.
public struct HPACKEncoder: Sendable, BitwiseCopyable {
  /// Room that `status`, and `field` beside the bytes of its name and value, take at most.
  public static let fieldRoom = 16

  private let fixed = StaticTable.shared
  private let huffman = HuffmanCode.shared
  private var hasEmptiedTable = false

  /// An encoder at the start of a connection.
  public init() {}

  /// Starts a block at `place`; returns where its first field goes, at most `fieldRoom` bytes on.
  public mutating func begin(at place: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
    guard !hasEmptiedTable else { return place }
    hasEmptiedTable = true
    // A table of no bytes: whatever size the peer announces later, there is nothing to tell of it (§4.2).
    place.pointee = 0x20
    return place + 1
  }

  /// Encodes `:status`, 100 ... 999.
  @inline(__always)
  public func status(_ status: UInt16, to place: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
    switch status {
    case 200: return indexed(8, to: place)
    case 204: return indexed(9, to: place)
    case 206: return indexed(10, to: place)
    case 304: return indexed(11, to: place)
    case 400: return indexed(12, to: place)
    case 404: return indexed(13, to: place)
    case 500: return indexed(14, to: place)
    default: break
    }
    place[0] = 8
    place[1] = 3
    place[2] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: status / 100)
    place[3] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: status / 10 % 10)
    place[4] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: status % 10)
    return place + 5
  }

  /// Encodes an entry of the static table, 1 ... 61, name and value.
  @inline(__always)
  public func indexed(_ index: Int, to place: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
    place.pointee = 0x80 | UInt8(truncatingIfNeeded: index)
    return place + 1
  }

  /// Encodes a value under the name of an entry of the static table, not to be indexed.
  public func named(
    _ index: Int, _ value: UnsafePointer<UInt8>, _ count: Int, to place: UnsafeMutablePointer<UInt8>
  ) -> UnsafeMutablePointer<UInt8> {
    string(value, count, to: HPACKInteger.write(index, prefix: 4, flags: 0, to: place))
  }

  /// Encodes a field, its name in lower case, not to be indexed. Sixteen bytes behind the name are readable.
  public func field(
    _ name: UnsafePointer<UInt8>, _ nameCount: Int, _ value: UnsafePointer<UInt8>, _ valueCount: Int,
    to place: UnsafeMutablePointer<UInt8>
  ) -> UnsafeMutablePointer<UInt8> {
    let next =
      nameCount <= HPACKEncoder.shortName
      ? shortName(name, nameCount, to: place) : longName(name, nameCount, to: place)
    return string(value, valueCount, to: next)
  }

  /// The longest name that is looked up.
  private static let shortName = 64

  private func shortName(
    _ name: UnsafePointer<UInt8>, _ count: Int, to place: UnsafeMutablePointer<UInt8>
  ) -> UnsafeMutablePointer<UInt8> {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: HPACKEncoder.shortName + 16) { lowered in
      let lower = lowered.baseAddress!
      var at = 0
      while at < count {
        ByteBlock(name + at).writeLowercase(to: lower + at)
        at &+= 16
      }
      let index = fixed.index(ofName: lower, count)
      if index > 0 { return HPACKInteger.write(index, prefix: 4, flags: 0, to: place) }
      place.pointee = 0
      return string(lower, count, to: place + 1)
    }
  }

  private func longName(
    _ name: UnsafePointer<UInt8>, _ count: Int, to place: UnsafeMutablePointer<UInt8>
  ) -> UnsafeMutablePointer<UInt8> {
    place.pointee = 0
    let start = HPACKInteger.write(count, prefix: 7, flags: 0, to: place + 1)
    for index in 0..<count { start[index] = Octet.lower(name[index]) }
    return start + count
  }

  /// Encodes a string (RFC 7541 §5.2).
  private func string(
    _ p: UnsafePointer<UInt8>, _ count: Int, to place: UnsafeMutablePointer<UInt8>
  ) -> UnsafeMutablePointer<UInt8> {
    let coded = huffman.encodedCount(p, count)
    if coded < count {
      let start = HPACKInteger.write(coded, prefix: 7, flags: 0x80, to: place)
      return start + huffman.encode(p, count, to: start)
    }
    let start = HPACKInteger.write(count, prefix: 7, flags: 0, to: place)
    start.update(from: p, count: count)
    return start + count
  }
}
