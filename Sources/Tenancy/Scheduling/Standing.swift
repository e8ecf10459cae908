/// How a tenant stands with the shard its requests wait for, as the owner of the slots knows it.
public struct Standing: Sendable, BitwiseCopyable {
  /// Slots that the tenant holds.
  public var held: Int32
  /// What its next request is likely to cost: nanoseconds that it will hold its slot, at least 1.
  public var cost: Int64
  /// Whether its next request must not have a slot now, though one is free, since the tenant holds so many with requests
  /// longer than the shard's usual.
  public var isHeldBack: Bool
  /// Whether it holds as many slots as it may, whoever else wants them.
  public var isFull: Bool

  /// This standing.
  public init(held: Int32, cost: Int64, isHeldBack: Bool = false, isFull: Bool = false) {
    self.held = held
    self.cost = cost
    self.isHeldBack = isHeldBack
    self.isFull = isFull
  }
}

/// What the owner of the slots tells its queue when asked who is next. All of it may change from call to call.
public protocol SlotKeeper: Sendable {
  /// Slots of the whole shard.
  var limit: Int32 { get }
  /// How a tenant stands.
  func standing(of tenant: TenantIndex, weight: Int32) -> Standing
  /// Whether backend number `backend`, to which a request is bound, has a slot free.
  func hasRoom(_ backend: Int32) -> Bool
}
