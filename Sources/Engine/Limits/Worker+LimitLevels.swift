import HTTP
import Primitives
import Tenancy

extension Worker where N: ~Copyable {
  /// Gathers the levels that apply to the request whose head the parser holds; returns how many there are.
  mutating func gatherLevels(
    _ policy: PolicyEntry, _ limits: TenantLimits, revision: UInt8, _ slot: Int32, _ base: UnsafePointer<UInt8>,
    _ head: RequestHead
  ) -> Int {
    let pathClass = longestPath(policy, base, head)
    let client = clientAddress(slot, base, head)
    var count = 0
    for place in 0..<policy.levelCount {
      let entry = policy.levels + place
      if entry.pointee.scope == .path, place != pathClass { continue }
      var level = entry.pointee.level
      if level.kind == .account {
        guard !limits.requests.isUnlimited else { continue }
        level.rule = limits.requests
        level.revision = revision
      }
      switch entry.pointee.scope {
      case .client: level.key = key(client.high, client.isV4 ? client.low : 0, level.identity)
      case .field: level.key = fieldKey(entry.pointee.text, level.identity, base, head)
      case .all, .path: break
      }
      levels[count] = level
      count += 1
    }
    return count
  }

  /// The place of the limit whose prefix is the longest that the path begins with, -1 without one.
  private func longestPath(_ policy: PolicyEntry, _ base: UnsafePointer<UInt8>, _ head: RequestHead) -> Int {
    var best = (place: -1, count: -1)
    for place in 0..<policy.levelCount where policy.levels[place].scope == .path {
      let prefix = policy.levels[place].text
      guard prefix.count > best.count else { continue }
      if LimitPath.begins(base + Int(head.path.start), head.path.count, with: prefix) { best = (place, prefix.count) }
    }
    return best.place
  }

  /// What the request counts as.
  func requestCost(_ policy: PolicyEntry, _ base: UnsafePointer<UInt8>, _ head: RequestHead) -> Int64 {
    for place in 0..<policy.costCount {
      let cost = policy.costs[place]
      if cost.method.count > 0 {
        guard cost.method.count == head.methodText.count else { continue }
        let method = base + Int(head.methodText.start)
        guard (0..<cost.method.count).allSatisfy({ method[$0] == cost.method.bytes[$0] }) else { continue }
      }
      if LimitPath.begins(base + Int(head.path.start), head.path.count, with: cost.path) { return cost.tokens }
    }
    return 1
  }

  // MARK: - keys

  private func key(_ high: UInt64, _ low: UInt64, _ identity: UInt64) -> UInt64 {
    var words = (high, low, identity)
    return withUnsafeBytes(of: &words) { bytes in
      process.roster.limits.hash.hash64(bytes.baseAddress!.assumingMemoryBound(to: UInt8.self), bytes.count)
    }
  }

  /// The key of a field's first value; requests without the field have one in common.
  private func fieldKey(
    _ name: NameBytes, _ identity: UInt64, _ base: UnsafePointer<UInt8>, _ head: RequestHead
  ) -> UInt64 {
    for index in 0..<head.fieldCount where parser.fields[index].name.count == name.count {
      let field = parser.fields[index]
      let spelt = base + Int(field.name.start)
      let isSame = (0..<name.count).allSatisfy {
        (spelt[$0] &- 0x41 < 26 ? spelt[$0] | 0x20 : spelt[$0]) == name.bytes[$0]
      }
      guard isSame else { continue }
      let value = process.roster.limits.hash.hash64(base + Int(field.value.start), field.value.count)
      return key(value, 1, identity)
    }
    return key(0, 0, identity)
  }

  /// Who asks: the peer, or, behind peers that are believed, the last of those they name that is not one of them.
  func clientAddress(_ slot: Int32, _ base: UnsafePointer<UInt8>, _ head: RequestHead) -> IPAddress {
    var address = connections[slot].pointee.address
    guard connections[slot].pointee.flags.contains(.isTrusted), head.seen.contains(.xForwardedFor) else {
      return address
    }
    for index in (0..<head.fieldCount).reversed() where parser.fields[index].id == .xForwardedFor {
      let value = parser.fields[index].value
      var end = Int(value.end)
      while end > Int(value.start) {
        var start = end
        while start > Int(value.start), base[start - 1] != UInt8(ascii: ",") { start -= 1 }
        var (first, last) = (start, end)
        while first < last, base[first] == 0x20 || base[first] == 0x09 { first += 1 }
        while last > first, base[last - 1] == 0x20 || base[last - 1] == 0x09 { last -= 1 }
        guard let named = IPAddress(base + first, last - first) else { return address }
        address = named
        guard view.trusts(named) else { return address }
        end = start - 1
      }
    }
    return address
  }

  /// A client's key among a tenant's connections.
  func connectionKey(_ address: IPAddress) -> UInt64 {
    key(address.high, address.isV4 ? address.low : 0, UInt64(LimitRoster.clientConnections))
  }
}
