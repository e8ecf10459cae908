/// What the directory keeps of a tenant: 32 bytes.
struct TenantEntry: BitwiseCopyable, Equatable {
  /// Its placement's epoch.
  var epoch: UInt64 = 0
  /// Where its name is in the text.
  var id: UInt32 = 0
  /// The row of its limits.
  var limits: Int32 = -1
  /// The first of its hosts.
  var firstHost: Int32 = -1
  /// Its home shard's place.
  var home: Int32 = -1
  /// Bytes of its name.
  var idCount: UInt8 = 0
  /// What is out of the ordinary of its condition: the mark of `TenantCondition`.
  var mark: UInt8 = 0
  var isLive = false
  /// What it has from the defaults.
  var inherited: TenantInheritance = []
  /// The region that it may not leave, by number; 0 is none.
  var region: UInt8 = 0
  /// What the revision of its rule is ahead of its row's, below `TokenBucket.revisions`.
  var revision: UInt8 = 0
}

/// What the directory keeps of a host: 16 bytes. A wildcard is kept by what follows its `*`; no other host starts with a
/// dot.
struct HostEntry: BitwiseCopyable {
  /// Where its name is in the text.
  var name: UInt32
  /// Whose it is; -1 when the entry is free.
  var tenant: TenantIndex
  /// The tenant's next host, or the next free entry.
  var next: Int32
  /// Bytes of its name.
  var count: UInt8
}

/// When the condition of a tenant changes by itself: apart from its entry, since nobody asks for it unless it is out of the
/// ordinary.
struct TenantTerm: BitwiseCopyable, Equatable {
  /// When it is active again, in milliseconds since 1970; 0 is never.
  var until: Int64 = 0
  /// When a tenant of tests is gone, likewise.
  var expiry: Int64 = 0
}

/// Where a tenant is declared. Apart from its entry: a line put in at the top of a table moves all those below, and
/// nothing else of them.
struct TenantPlace: BitwiseCopyable, Equatable {
  /// The file, by number.
  var file: Int32 = 0
  var line: Int32 = 0
}
