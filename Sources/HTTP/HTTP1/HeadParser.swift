import Primitives

/// Parses HTTP/1 heads in place (RFC 9112), so strictly that no two readers of what it lets through can differ.
///
/// The buffer must have 64 readable bytes after its `count`. The results point into the buffer and are good until the
/// next parse. A head that isn't whole is parsed again from its start; `HeadScan` tells when that is worth it.
public struct HeadParser: ~Copyable {
  /// How many options all Connection fields of a head may name together.
  public static let connectionOptionBound = 64

  /// The field lines of the head, or of the trailer section, parsed last, in their order.
  public let fields: UnsafeMutablePointer<Field>
  /// How many fields there is room for.
  public let fieldCapacity: Int
  /// The host of the request parsed last as `HostName.normalize` makes it; `request.hostNameCount` bytes.
  public let hostName: UnsafeMutablePointer<UInt8>
  /// The request head parsed last. Unless that was complete, only what its request line says is good, and that only if
  /// `request.lineEnd` is above 0.
  public var request = RequestHead()
  /// The response head parsed last, if it was complete.
  public var response = ResponseHead()
  /// Whether the head parsed last has a Content-Length in a legal way that not every reader takes alike: with tabs around
  /// the value or zeros before it. It is to be passed on as the head's `contentLength`, never as it came.
  public internal(set) var hasUnusualLength = false
  /// How many field lines the trailer section parsed last holds.
  public var trailerCount = 0
  /// Bytes of the trailer section parsed last, with the empty line that ends it.
  public var trailerLength = 0

  let names: FieldNameTable
  /// For each known name the index of its last field; only good for names that were seen.
  let places: UnsafeMutablePointer<Int32>
  /// The field lines read last.
  var section = FieldSection()

  /// A parser with room for `fieldCapacity` fields.
  public init(fieldCapacity: Int) {
    self.fieldCapacity = fieldCapacity
    fields = .allocate(capacity: fieldCapacity + 1)
    places = .allocate(capacity: 64)
    places.initialize(repeating: 0, count: 64)
    hostName = .allocate(capacity: HostName.maximumCount + 1)
    names = FieldNameTable.shared
  }

  deinit {
    fields.deallocate()
    places.deallocate()
    hostName.deallocate()
  }

  /// The field of this name in the head or trailer section parsed last: the last one if it is repeated; nil if there is
  /// none. A look-alike (`hasUnderscore`) is never found.
  @inline(__always)
  public func field(_ name: FieldName) -> Field? {
    guard name != .other, section.seen.contains(name) else { return nil }
    let field = fields[Int(places[Int(name.rawValue)])]
    return field.hasUnderscore ? nil : field
  }

  /// The place in `fields`, from `start` on, of a field that has no `FieldName` of its own, by its name in lower case, among
  /// the `count` of the head or trailer section that was parsed last from `base`; `nil` if there is none.
  public func place(
    of name: StaticString, from start: Int = 0, among count: Int, _ base: UnsafePointer<UInt8>
  ) -> Int? {
    for index in start..<max(start, count) where fields[index].name.count == name.utf8CodeUnitCount {
      if FieldText.matches(base + Int(fields[index].name.start), name.utf8CodeUnitCount, name) { return index }
    }
    return nil
  }

  /// Parses a request head at the start of `count` bytes; `request` and `fields` hold it if it is complete.
  ///
  /// A head may be `sizeBound` bytes long (below 2^31) and have `countBound` fields. One empty line before it is skipped.
  public mutating func parseRequest(
    _ base: UnsafePointer<UInt8>, _ count: Int, sizeBound: Int, countBound: Int
  ) -> HeadOutcome {
    let limit = min(count, sizeBound)
    var outcome = readRequestLine(base, limit)
    guard outcome == .complete else {
      request = RequestHead()
      return outcome == .incomplete && count >= sizeBound ? .targetTooLong : outcome
    }
    outcome = readFields(base, Int(request.lineEnd), limit, countBound)
    guard outcome == .complete else {
      return outcome == .incomplete && count >= sizeBound ? .tooLarge : outcome
    }
    request.length = section.end
    request.fieldCount = section.count
    request.seen = section.seen
    request.repeated = section.repeated
    return interpretRequest(base) ? .complete : .bad
  }

  /// Parses a response head at the start of `count` bytes; `response` and `fields` hold it if it is complete.
  ///
  /// `toHead` tells that the request was a HEAD, to which no answer has a body.
  public mutating func parseResponse(
    _ base: UnsafePointer<UInt8>, _ count: Int, sizeBound: Int, countBound: Int, toHead: Bool
  ) -> HeadOutcome {
    let limit = min(count, sizeBound)
    var outcome = readStatusLine(base, limit)
    if outcome == .complete { outcome = readFields(base, Int(response.lineEnd), limit, countBound) }
    guard outcome == .complete else {
      return outcome == .incomplete && count >= sizeBound ? .tooLarge : outcome
    }
    response.length = section.end
    response.fieldCount = section.count
    response.seen = section.seen
    response.repeated = section.repeated
    return interpretResponse(base, toHead: toHead) ? .complete : .bad
  }

  /// Parses what follows the last chunk of a body: field lines, perhaps none, and an empty line (RFC 9112 §7.1.2).
  ///
  /// Fields that would frame or route the message are refused; which of the others pass on is the caller's choice.
  public mutating func parseTrailers(
    _ base: UnsafePointer<UInt8>, _ count: Int, sizeBound: Int, countBound: Int
  ) -> HeadOutcome {
    let outcome = readFields(base, 0, min(count, sizeBound), countBound)
    guard outcome == .complete else {
      return outcome == .incomplete && count >= sizeBound ? .tooLarge : outcome
    }
    trailerCount = section.count
    trailerLength = section.end
    let framing: FieldSet = [FieldSet(.contentLength), FieldSet(.transferEncoding), FieldSet(.host)]
    return section.seen.isDisjoint(with: framing) ? .complete : .bad
  }
}
