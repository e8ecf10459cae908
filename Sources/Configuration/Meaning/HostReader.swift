import ConfigLanguage

/// Reads hosts of `host` and `subdomain of` lines by the rules of tenant tables.
final class HostReader {
  private static let longest = 1024
  private var hosts = TableHosts(lineBound: HostReader.longest)

  /// The host in lower case without a trailing dot; says what is wrong with it otherwise.
  func read(_ value: Value, _ diagnostics: DiagnosticCollector) -> [UInt8]? {
    let text = Array(value.text.utf8)
    hosts.removeAll()
    let fault = text.withUnsafeBufferPointer { buffer -> TableHosts.Fault? in
      guard let base = buffer.baseAddress else { return .empty }
      return buffer.count < HostReader.longest ? hosts.append(base, buffer.count) : .tooLong
    }
    if let fault {
      diagnostics.error("\(value.word.shown) is not a host: \(fault.message)", at: value.word.range)
      return nil
    }
    let range = hosts.ranges[0]
    return Array(UnsafeBufferPointer(start: hosts.bytes + Int(range.start), count: range.count))
  }
}
