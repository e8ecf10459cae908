import HTTPReference

@testable import Engine

/// An origin that answers each whole request once, and minds what it is sent.
final class GoodOrigin: FuzzOrigin {
  private(set) var requests: [Message] = []
  /// What was wrong with what it got.
  private(set) var fault: String?
  private var answered: [ObjectIdentifier: Int] = [:]

  func received(_ link: FuzzLink, _ world: FuzzWorld) {
    let messages = Messages.forwarded(link.sent)
    let known = answered[ObjectIdentifier(link), default: 0]
    for request in messages.all.dropFirst(known) where request.isWhole {
      check(request)
      requests.append(request)
      answered[ObjectIdentifier(link), default: 0] += 1
      answer(request, link, world)
    }
  }

  func closed(_ link: FuzzLink, _ world: FuzzWorld) {
    let messages = Messages.forwarded(link.sent)
    if messages.isBroken, messages.hasWholeHead, ReferenceParser(kind: .forwarded).parse(Array(messages.rest)) == nil {
      fault = "the origin was sent \(shown(messages.rest))"
    }
  }

  private func check(_ request: Message) {
    let tenants = request.head.values("x-tenant-id").map { String(decoding: $0, as: UTF8.self) }
    if tenants != ["acme"], tenants != ["other"] { fault = "tenants \(tenants) in one request" }
    for name in ["x-placement-shard", "x-placement-epoch", "x-forwarded-for", "x-request-id", "x-forwarded-host"] {
      let count = request.head.values(name).count
      if count > 1 || count == 0 && name != "x-forwarded-host" { fault = "\(count) of \(name)" }
    }
    for name in ["connection", "keep-alive", "te", "proxy-connection", "trailer"] {
      let values = request.head.values(name).map { String(decoding: $0, as: UTF8.self).lowercased() }
      if !values.isEmpty, values != ["upgrade"] { fault = "\(name) got through: \(values)" }
    }
    let hosts = request.head.values("host").map { String(decoding: $0, as: UTF8.self).lowercased() }
    if let host = hosts.first, !host.isEmpty, ["acme", "other"].contains(where: { host.contains("\($0).example") }),
      !host.contains("\(tenants.first ?? "").example")
    {
      fault = "host \(host) of tenant \(tenants)"
    }
  }

  private func answer(_ request: Message, _ link: FuzzLink, _ world: FuzzWorld) {
    let body = request.first == "HEAD" ? "" : "3\r\nabc\r\n0\r\n\r\n"
    link.incoming += Array("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\(body)".utf8)
    world.tell(link, .readable)
  }
}
