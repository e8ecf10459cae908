/// Rendezvous hashing (Thaler and Ravishankar 1998): each key goes to the shard whose weight for it is highest, so that a
/// shard added or removed moves only the keys it gains or had.
public enum Rendezvous {
  /// The hash of a name: FNV-1a of 64 bits, then the finalizer of SplitMix64. Fixed: placements depend on it.
  public static func hash(_ name: UnsafeBufferPointer<UInt8>) -> UInt64 {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in name { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    return mix(hash)
  }

  /// The hash of a name.
  public static func hash(_ name: String) -> UInt64 { Array(name.utf8).withUnsafeBufferPointer { hash($0) } }

  /// The place of the shard that `key` belongs to, among the hashes of shard names; `count` is at least 1.
  public static func choose(key: UInt64, shards: UnsafePointer<UInt64>, count: Int) -> Int {
    var best = 0
    var highest = mix(key ^ shards[0])
    for place in 1..<max(1, count) {
      let weight = mix(key ^ shards[place])
      if weight > highest || (weight == highest && shards[place] > shards[best]) {
        highest = weight
        best = place
      }
    }
    return best
  }

  /// How strongly `key` belongs to the shard of this hash.
  public static func score(key: UInt64, shard: UInt64) -> UInt64 { mix(key ^ shard) }

  /// The finalizer of SplitMix64 (Steele, Lea and Flood 2014).
  private static func mix(_ value: UInt64) -> UInt64 {
    var z = value &+ 0x9E37_79B9_7F4A_7C15
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
