/// The bytes of names, 1 to 255 each, in memory that versions share. The room of a removed name is given to the next of
/// its length, so that edits without end don't make it grow.
struct NameText: ~Copyable {
  /// Bytes of a granule, in which room is given.
  private static let granule = MemoryLayout<UInt32>.stride
  private static let nobody = UInt32.max

  private var granules: SharedMemory<UInt32>
  /// The first free room of each length in granules; a free one's first granule names the next.
  private var free: [UInt32]
  /// Granules of the names that are there.
  private(set) var used: Int

  /// No names.
  init() {
    granules = SharedMemory()
    free = Array(repeating: NameText.nobody, count: NameText.granules(255) + 1)
    used = 0
  }

  private init(_ granules: consuming SharedMemory<UInt32>, free: [UInt32], used: Int) {
    self.granules = granules
    self.free = free
    self.used = used
  }

  /// The same names, to be changed apart from these.
  borrowing func copy() -> NameText { NameText(granules.copy(), free: free, used: used) }

  /// Granules that were ever given.
  var extent: Int { granules.count }

  private static func granules(_ count: Int) -> Int { (count + granule - 1) / granule }

  /// The bytes at an address; good as long as this version lives unchanged.
  @inline(__always)
  func bytes(at address: UInt32) -> UnsafePointer<UInt8> {
    UnsafeRawPointer(granules[Int(address)]).assumingMemoryBound(to: UInt8.self)
  }

  /// Whether these bytes stand at an address.
  @inline(__always)
  func equals(_ address: UInt32, _ asked: UnsafePointer<UInt8>, _ count: Int) -> Bool {
    let known = bytes(at: address)
    var place = 0
    while place + 8 <= count {
      if UnsafeRawPointer(known).loadUnaligned(fromByteOffset: place, as: UInt64.self)
        != UnsafeRawPointer(asked).loadUnaligned(fromByteOffset: place, as: UInt64.self)
      {
        return false
      }
      place += 8
    }
    while place < count {
      if known[place] != asked[place] { return false }
      place += 1
    }
    return true
  }

  /// Adds a name and returns its address; `nil` when there is no address left.
  mutating func add(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> UInt32? {
    let length = NameText.granules(count)
    var address = free[length]
    if address == NameText.nobody {
      guard granules.count < Int(UInt32.max) - SharedMemory<UInt32>.chunk * 2 else { return nil }
      address = UInt32(granules.extend(by: length))
    } else {
      free[length] = granules[Int(address)].pointee
    }
    used += length
    UnsafeMutableRawPointer(granules.writable(Int(address))).copyMemory(from: bytes, byteCount: count)
    return address
  }

  /// Takes out the name of `count` bytes at an address.
  mutating func remove(_ address: UInt32, _ count: Int) {
    let length = NameText.granules(count)
    granules.writable(Int(address)).pointee = free[length]
    free[length] = address
    used -= length
  }
}
