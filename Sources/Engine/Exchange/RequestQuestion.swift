import HTTP
public import Primitives
public import Tenancy

/// A request that somebody asks about without sending it.
public struct RequestQuestion: Sendable {
  /// The method.
  public var method = "GET"
  /// The target.
  public var path = "/"
  /// The host, `nil` for none.
  public var host: String?
  /// Further fields.
  public var fields: [(name: String, value: String)] = []
  /// The client's address.
  public var client = IPAddress(v4: 0x7F00_0001)

  /// A GET of `/` from this machine that names no host.
  public init() {}

  /// What the data path would decide, found by its own parser, rules and placement. Limits are not asked.
  public func decide(with blueprint: Blueprint) -> RequestVerdict {
    guard let image = BlueprintImage(blueprint, roster: Roster()) else { return RequestVerdict(code: .overloaded) }
    let view = ImageView(image)
    var parser = HeadParser(fieldCapacity: blueprint.bounds.headerCount)
    var head = "\(method) \(path) HTTP/1.1\r\nHost: \(host ?? "none.invalid")\r\n"
    for field in fields { head += "\(field.name): \(field.value)\r\n" }
    let bytes = Array((head + "\r\n").utf8) + [UInt8](repeating: 0, count: BufferPool.padding)
    return bytes.withUnsafeBufferPointer { bytes in
      let base = bytes.baseAddress!
      let outcome = parser.parseRequest(
        base, bytes.count - BufferPool.padding, sizeBound: blueprint.bounds.headerSize,
        countBound: blueprint.bounds.headerCount)
      switch outcome {
      case .complete: break
      case .targetTooLong: return RequestVerdict(code: .targetTooLong)
      case .tooLarge: return RequestVerdict(code: .headTooLarge)
      default: return RequestVerdict(code: .badRequest)
      }
      let isTrusted = view.trusts(client)
      let facts = view.facts(of: parser.request, parser.fields, base, isTrusted: isTrusted, name: parser.hostName)
      return RequestVerdict(view.decide(facts))
    }
  }
}

/// What the data path would decide of a request.
public struct RequestVerdict: Sendable {
  /// Why it would be refused; `none` when it would be admitted.
  public var code: RefusalCode
  /// The tenant, if one was found.
  public var tenant: TenantIndex?
  /// What named the tenant, as the access log says it.
  public var source: String?
  /// The shard's place in the blueprint, if there is one.
  public var shard: Int?
  /// The placement's epoch.
  public var epoch: UInt64 = 0

  init(code: RefusalCode) { self.code = code }

  init(_ decision: Decision) {
    code = decision.code
    tenant = decision.tenant >= 0 ? decision.tenant : nil
    source = decision.source.text.map { "\($0)" }
    shard = decision.shard >= 0 ? Int(decision.shard) : nil
    epoch = decision.epoch
  }
}
