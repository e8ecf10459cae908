/// One change of a tenant.
struct HistoryEntry: Sendable, Equatable {
  /// Its number; grows by one.
  var n: UInt64
  /// When, in milliseconds since 1970.
  var time: Int64
  /// Who.
  var actor: String
  /// What, such as `tenant.put`.
  var action: String
  var tenant: String
  /// Why, if that was said.
  var reason: String?
  /// What was kept of the tenant before and afterwards; `nil` is nothing.
  var before: [UInt8]?
  var after: [UInt8]?

  /// Bytes that it takes, more or less.
  var weight: Int {
    160 + actor.utf8.count + action.utf8.count + tenant.utf8.count + (reason?.utf8.count ?? 0) + (before?.count ?? 0)
      + (after?.count ?? 0)
  }

  /// The entry as it is kept.
  var bytes: [UInt8] {
    var record = RecordWriting()
    record.append(n)
    record.append(UInt64(clamping: time))
    record.append(actor)
    record.append(action)
    record.append(tenant)
    record.append(reason)
    for state in [before, after] {
      record.append(UInt64(state == nil ? 0 : 1))
      if let state { record.append(state) }
    }
    return record.bytes
  }

  /// Reads what was kept; `nil` when it is none.
  init?(bytes: ArraySlice<UInt8>) {
    var record = RecordReading(bytes)
    n = record.number()
    time = Int64(clamping: record.number())
    actor = record.text()
    action = record.text()
    tenant = record.text()
    reason = record.optionalText()
    before = record.number() == 0 ? nil : Array(record.blob())
    after = record.number() == 0 ? nil : Array(record.blob())
    guard record.isWhole, record.isAtEnd else { return nil }
  }

  init(
    n: UInt64, time: Int64, actor: String, action: String, tenant: String, reason: String?, before: [UInt8]?,
    after: [UInt8]?
  ) {
    self.n = n
    self.time = time
    self.actor = actor
    self.action = action
    self.tenant = tenant
    self.reason = reason
    self.before = before
    self.after = after
  }
}
