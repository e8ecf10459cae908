import Engine

/// Which shards may be the home of a tenant.
struct HomeRule {
  let shards: [Shard]
  let regions: [String]

  /// What is wrong with the shard at place `home` for a tenant of tests, or for one that may not leave region number `region`,
  /// as the end of a sentence about it; `nil` when nothing is.
  func fault(_ home: Int, isTest: Bool, region: UInt8) -> String? {
    let shard = shards[home]
    if isTest, !shard.isTest { return "is one of tests, and its home '\(shard.name)' is not for tests" }
    guard region != 0, shard.region != regions[Int(region) - 1] else { return nil }
    let place = shard.region.map { "in region '\($0)'" } ?? "in no region"
    return "may not leave region '\(regions[Int(region) - 1])', and its home '\(shard.name)' stands \(place)"
  }
}
