import Primitives

/// What the Connection fields of a head say.
struct ConnectionOptions {
  var isWellFormed = true
  var hasClose = false
  var hasKeepAlive = false
  var hasUpgrade = false
  var count = 0
}

extension HeadParser {
  /// Reads the options of all Connection fields, and marks the fields that they name (RFC 9110 §7.6.1).
  func readConnectionOptions(_ base: UnsafePointer<UInt8>) -> ConnectionOptions {
    var options = ConnectionOptions()
    if !section.repeated.contains(.connection) {
      readOptions(base, fields[Int(places[Int(FieldName.connection.rawValue)])].value, &options)
      return options
    }
    for index in 0..<section.count where fields[index].id == .connection {
      readOptions(base, fields[index].value, &options)
    }
    return options
  }

  /// Reads a comma-separated list of tokens; empty elements are skipped.
  private func readOptions(_ base: UnsafePointer<UInt8>, _ value: ByteRange, _ options: inout ConnectionOptions) {
    var at = Int(value.start)
    let end = Int(value.end)
    while at < end {
      let start = at
      while at < end, Octet.isToken(base[at]) { at &+= 1 }
      if at > start { note(base, start, at &- start, &options) }
      while at < end, Octet.isBlank(base[at]) { at &+= 1 }
      guard at < end else { return }
      guard base[at] == UInt8(ascii: ",") else {
        options.isWellFormed = false
        return
      }
      at &+= 1
      while at < end, Octet.isBlank(base[at]) { at &+= 1 }
    }
  }

  private func note(_ base: UnsafePointer<UInt8>, _ start: Int, _ count: Int, _ options: inout ConnectionOptions) {
    let p = base + start
    options.count &+= 1
    if options.count > HeadParser.connectionOptionBound { options.isWellFormed = false }
    guard options.isWellFormed else { return }
    if Octet.matches(p, count, "keep-alive") {
      options.hasKeepAlive = true
    } else if Octet.matches(p, count, "close") {
      options.hasClose = true
    } else if Octet.matches(p, count, "upgrade") {
      options.hasUpgrade = true
    } else {
      mark(base, p, count)
    }
  }

  /// Marks the fields of this name, but not those that host and framing are known by.
  private func mark(_ base: UnsafePointer<UInt8>, _ option: UnsafePointer<UInt8>, _ count: Int) {
    for index in 0..<section.count where fields[index].name.count == count {
      switch fields[index].id {
      case .host, .contentLength, .transferEncoding: continue
      default: break
      }
      let name = base + Int(fields[index].name.start)
      if (0..<count).allSatisfy({ Octet.lower(name[$0]) == Octet.lower(option[$0]) }) {
        fields[index].isNamedByConnection = true
      }
    }
  }
}
