import Configuration
import Tenancy

extension LiveTenant {
  private static let wholeKind: UInt64 = 1
  private static let overlayKind: UInt64 = 2

  /// The tenant as it is kept.
  var bytes: [UInt8] {
    var record = RecordWriting()
    switch self {
    case .whole(let settings):
      record.append(LiveTenant.wholeKind)
      record.append(UInt64(settings.hosts.count))
      for host in settings.hosts { record.append(host) }
      record.append(settings.plan)
      record.append(settings.home)
      record.append(settings.epoch)
      let condition = settings.condition
      record.append(UInt64(condition.state.rawValue) << 1 | (condition.isTest ? 1 : 0))
      record.append(UInt64(clamping: condition.until))
      record.append(UInt64(clamping: condition.expiry))
      record.append(UInt64(settings.overrides.count))
      for override in settings.overrides {
        record.append(override.name)
        record.append(UInt64(override.lines.count))
        for line in override.lines { record.append(line) }
      }
    case .overlay(let overlay):
      record.append(LiveTenant.overlayKind)
      record.append(UInt64(overlay.state.map { $0.rawValue + 1 } ?? 0))
      record.append(UInt64(clamping: overlay.until))
      record.append(overlay.home)
      record.append(overlay.epoch)
    }
    return record.bytes
  }

  /// Reads what was kept; `nil` when it is none.
  init?(bytes: [UInt8]) {
    var record = RecordReading(bytes[...])
    switch record.number() {
    case LiveTenant.wholeKind:
      var settings = TenantSettings()
      for _ in 0..<min(record.number(), 65_536) where record.isWhole { settings.hosts.append(record.text()) }
      settings.plan = record.optionalText()
      settings.home = record.optionalText()
      settings.epoch = record.number()
      let mark = record.number()
      guard mark <= 0xFF, let state = TenantState(rawValue: UInt8(mark >> 1)) else { return nil }
      let until = Int64(clamping: record.number())
      let expiry = Int64(clamping: record.number())
      settings.condition = TenantCondition(state, until: until, isTest: mark & 1 != 0, expiry: expiry)
      for _ in 0..<min(record.number(), 65_536) where record.isWhole {
        var override = TenantOverride(name: record.text(), lines: [])
        for _ in 0..<min(record.number(), 65_536) where record.isWhole { override.lines.append(record.text()) }
        settings.overrides.append(override)
      }
      self = .whole(settings)
    case LiveTenant.overlayKind:
      var overlay = TenantOverlay()
      let state = record.number()
      guard state <= 0xFF else { return nil }
      overlay.state = state == 0 ? nil : TenantState(rawValue: UInt8(state - 1))
      overlay.until = Int64(clamping: record.number())
      overlay.home = record.optionalText()
      overlay.epoch = record.number()
      self = .overlay(overlay)
    default: return nil
    }
    guard record.isWhole, record.isAtEnd else { return nil }
  }
}
