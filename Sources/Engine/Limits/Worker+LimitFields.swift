import Primitives
import Tenancy

extension Worker where N: ~Copyable {
  /// Writes the `RateLimit-Policy` and `RateLimit` fields of all levels (draft-ietf-httpapi-ratelimit-headers) to
  /// `limitText`, to be kept with the request. Levels that only count are none of the client's business.
  mutating func writeLimitText(
    _ asked: UnsafeMutableBufferPointer<LimitLevel>, _ limits: TenantLimits, _ exchange: UnsafeMutablePointer<Exchange>
  ) {
    var writer = ByteWriter(limitText, capacity: Limit.limitText)
    var isFirst = true
    writer.append("RateLimit-Policy: ")
    for level in asked where !level.isShadow {
      separate(&writer, &isFirst)
      writePolicy(&writer, level)
    }
    if limits.concurrency > 0 {
      separate(&writer, &isFirst)
      writer.append("\"concurrency\";q=")
      writer.append(decimal: Int64(limits.concurrency))
      writer.append(";qu=\"concurrent-requests\"")
    }
    guard !isFirst else { return }
    isFirst = true
    writer.append("\r\nRateLimit: ")
    for level in asked where !level.isShadow {
      separate(&writer, &isFirst)
      writeName(&writer, level.number)
      writer.append(";r=")
      writer.append(decimal: level.admission.remaining)
      writer.append(";t=")
      writer.append(decimal: (level.admission.wait + .second - 1) / .second)
    }
    if limits.concurrency > 0 {
      let inFlight = process.ledger.account(exchange.pointee.tenant).pointee.inFlight.load(ordering: .relaxed)
      separate(&writer, &isFirst)
      writer.append("\"concurrency\";r=")
      writer.append(decimal: Int64(max(0, limits.concurrency - inFlight)))
    }
    writer.append("\r\n")
    if view.addsLegacyRateLimits { writeTightest(&writer, asked) }
    limitTextCount = writer.hasOverflowed ? 0 : writer.count
  }

  /// Writes the older fields for the level of which the least is left: they have room for one.
  private func writeTightest(_ writer: inout ByteWriter, _ asked: UnsafeMutableBufferPointer<LimitLevel>) {
    var tightest: (amount: Int64, remaining: Int64, wait: Int64)?
    for level in asked where !level.isShadow {
      let isQuota = level.kind == .requestQuota || level.kind == .byteQuota
      let amount = isQuota ? level.amount : level.rule.rate.count
      let left = Double(level.admission.remaining) / Double(max(1, amount))
      if let known = tightest, left >= Double(known.remaining) / Double(max(1, known.amount)) { continue }
      tightest = (amount, level.admission.remaining, level.admission.wait)
    }
    guard let tightest else { return }
    writeLegacyLimit(&writer, tightest.amount, tightest.remaining, wait: tightest.wait)
  }

  /// Writes the fields that were usual before the draft; the reset is in seconds from now.
  func writeLegacyLimit(_ writer: inout ByteWriter, _ amount: Int64, _ remaining: Int64, wait: Int64) {
    writer.append("X-RateLimit-Limit: ")
    writer.append(decimal: amount)
    writer.append("\r\nX-RateLimit-Remaining: ")
    writer.append(decimal: remaining)
    writer.append("\r\nX-RateLimit-Reset: ")
    writer.append(decimal: (wait + .second - 1) / .second)
    writer.append("\r\n")
  }

  private func separate(_ writer: inout ByteWriter, _ isFirst: inout Bool) {
    if !isFirst { writer.append(", ") }
    isFirst = false
  }

  private func writeName(_ writer: inout ByteWriter, _ number: Int32) {
    let name = process.roster.limits.name(number)
    writer.append("\"")
    writer.append(name.bytes, name.count)
    writer.append("\"")
  }

  private func writePolicy(_ writer: inout ByteWriter, _ level: LimitLevel) {
    writeName(&writer, level.number)
    writer.append(";q=")
    if level.kind == .requestQuota || level.kind == .byteQuota {
      writer.append(decimal: level.amount)
      if level.kind == .byteQuota { writer.append(";qu=\"content-bytes\"") }
      writer.append(";w=")
      writer.append(decimal: max(1, level.length))
      return
    }
    let rate = level.rule.rate
    writer.append(decimal: rate.count)
    writer.append(";w=")
    writer.append(decimal: max(1, rate.period / .second))
    if rate.burst != rate.count {
      writer.append(";gh-burst=")
      writer.append(decimal: rate.burst)
    }
  }

  /// Keeps the fields that were written last with the texts of an exchange.
  mutating func keepLimitText(_ writer: inout ByteWriter, _ exchange: UnsafeMutablePointer<Exchange>) {
    guard limitTextCount > 0 else { return }
    let start = Int32(writer.count)
    writer.append(limitText, limitTextCount)
    exchange.pointee.texts.rateLimit = ByteRange(start, Int32(writer.count))
    limitTextCount = 0
  }

  /// The name of the limit that refused an exchange; `nil` when none did.
  func limitName(_ exchange: UnsafeMutablePointer<Exchange>) -> NameBytes? {
    if exchange.pointee.limit >= 0 { return process.roster.limits.name(exchange.pointee.limit) }
    switch exchange.pointee.code {
    case .rateLimited: return process.roster.limits.name(LimitRoster.requests)
    case .concurrencyLimited: return process.roster.limits.name(LimitRoster.concurrency)
    default: return nil
    }
  }

  /// Writes the members of a problem that name the limits that were hit.
  mutating func writeViolated(_ writer: inout ByteWriter, _ exchange: UnsafeMutablePointer<Exchange>) {
    guard let name = limitName(exchange) else { return }
    writer.append("\",\"limit\":\"")
    writer.append(name.bytes, name.count)
    writer.append("\",\"violated-policies\":[")
    if exchange.pointee.limit >= 0, violatedBy == exchange.pointee.client, violatedCount > 0 {
      for place in 0..<violatedCount {
        if place > 0 { writer.append(",") }
        writeName(&writer, violated[place])
      }
    } else {
      writer.append("\"")
      writer.append(name.bytes, name.count)
      writer.append("\"")
    }
    writer.append("]}\n")
  }
}
