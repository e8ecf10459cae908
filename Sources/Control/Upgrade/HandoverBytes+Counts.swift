import Engine
import Tenancy

extension HandoverWriter {
  /// Adds one thing that was counted.
  mutating func add(_ count: HandedCount) {
    switch count {
    case .bucket(let tenant, let spent):
      add(UInt8(0))
      add(tenant)
      add(spent)
    case .shared(let key, let spent):
      add(UInt8(1))
      add(key)
      add(spent)
    case .line(let tenant, let line):
      add(UInt8(2))
      add(tenant)
      add(line.identity)
      add(line.revision)
      add(line.spent)
    case .key(let tenant, let key):
      add(UInt8(3))
      add(tenant)
      add(key.key)
      add(key.arrival)
      add(key.used)
    case .quota(let use, let identity):
      add(UInt8(4))
      add(use.tenant)
      add(identity)
      add(use.start)
      add(use.used)
    case .inFlight(let tenant, let number):
      add(UInt8(5))
      add(tenant)
      add(number)
    case .late(let tenant, let tokens):
      add(UInt8(6))
      add(tenant)
      add(tokens)
    case .lateUse(let tenant, let identity, let amount):
      add(UInt8(7))
      add(tenant)
      add(identity)
      add(amount)
    }
  }
}

extension HandoverReader {
  /// One thing that was counted.
  mutating func count() -> HandedCount? {
    guard let kind = number(UInt8.self), let name = text() else { return nil }
    switch kind {
    case 0: return spent().map { .bucket(tenant: name, $0) }
    case 1: return spent().map { .shared(key: name, $0) }
    case 2:
      guard let identity = number(UInt64.self), let revision = number(UInt8.self), let spent = spent() else {
        return nil
      }
      return .line(tenant: name, MeterBook.HandedLine(identity: identity, revision: revision, spent: spent))
    case 3:
      guard let key = number(UInt64.self), let arrival = number(UInt64.self), let used = number(Int32.self) else {
        return nil
      }
      return .key(tenant: name, MeterBook.HandedKey(key: key, arrival: arrival, used: used))
    case 4:
      guard let identity = number(UInt64.self), let start = number(Int64.self), let used = number(Int64.self),
        (0..<Int64.max).contains(start), used >= 0
      else { return nil }
      return .quota(QuotaUse(tenant: name, limit: "", start: start, used: used), identity: identity)
    case 5: return number(Int32.self).map { .inFlight(tenant: name, count: $0) }
    case 6:
      guard let tokens = number(Int64.self), tokens >= 0 else { return nil }
      return .late(tenant: name, tokens: tokens)
    case 7:
      guard let identity = number(UInt64.self), let amount = number(Int64.self), amount >= 0 else { return nil }
      return .lateUse(tenant: name, identity: identity, amount: amount)
    default: return nil
    }
  }
}
