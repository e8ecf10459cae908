import HTTP
import Primitives
import Synchronization
import Tenancy

extension Worker where N: ~Copyable {
  /// Whether the name a connection's handshake asked for is another tenant's than the request's (RFC 9110, 15.5.20).
  @inline(never)
  mutating func isMisdirected(_ slot: Int32, _ host: UnsafeBufferPointer<UInt8>, _ tenant: TenantIndex) -> Bool {
    let name = network.serverName(socket(of: slot))
    guard name.count > 0, !name.elementsEqual(host) else { return false }
    let named = view.tenant(ofHost: name)
    return named >= 0 && named != tenant
  }

  /// Who the client of a connection or stream has proved to be.
  @inline(never)
  mutating func clientNames(_ slot: Int32) -> CertificateNames {
    network.clientNames(socket(of: slot))
  }

  /// The socket of a connection, or of a stream's connection.
  private mutating func socket(of slot: Int32) -> Int32 {
    let isStream = connections[slot].pointee.flags.contains(.isStream)
    return connections[isStream ? connections[slot].pointee.parent : slot].pointee.socket
  }

  /// Whether a backend's answer has a `Strict-Transport-Security` of its own, which is let be.
  @inline(never)
  mutating func isStrictAlready(_ base: UnsafePointer<UInt8>, _ head: ResponseHead) -> Bool {
    parser.place(of: "strict-transport-security", among: head.fieldCount, base) != nil
  }

  /// Tells a client to come by TLS only (RFC 6797, section 7.1), as its listener has it.
  @inline(never)
  mutating func writeStrictTransport(_ writer: inout ByteWriter, _ slot: Int32) {
    let line = network.strictTransport(socket(of: slot))
    guard let start = line.baseAddress else { return }
    writer.append(start, line.count)
  }

  /// Sends a request on to the same target on the listener that speaks TLS; returns how many bytes were used.
  @inline(never)
  mutating func redirect(
    _ id: Int32, _ base: UnsafeMutablePointer<UInt8>, _ count: Int, _ head: RequestHead
  ) -> Int {
    let exchange = exchanges[id]
    guard head.host.count > 0 else { return refuse(id, .badRequest, base, count, head) }
    keepTexts(id, base, head)
    exchange.pointee.status = 308
    exchange.pointee.flags.insert(.isAnswered)
    if !exchange.pointee.flags.contains(.isRequestComplete) || isDraining {
      exchange.pointee.flags.remove(.keepsClient)
    }
    var writer = ByteWriter(writeScratch, capacity: Limit.writeScratch)
    writer.append("HTTP/1.1 308 Permanent Redirect\r\nLocation: https://")
    writer.append(parser.hostName, Int(head.hostNameCount))
    let port = process.securePort.load(ordering: .relaxed)
    if port != 443 {
      writer.append(byte: UInt8(ascii: ":"))
      writer.append(decimal: Int64(port))
    }
    let first = head.path.count > 0 ? base[Int(head.path.start)] : 0
    if first != UInt8(ascii: "/") { writer.append("/") }
    // `*` stands for the server as a whole.
    if first != UInt8(ascii: "*") { writer.append(base + Int(head.path.start), head.path.count) }
    writer.append("\r\nContent-Length: 0\r\nDate: ")
    writeDate(&writer)
    writer.append("\r\n")
    writeConnection(&writer, exchange)
    writer.append("\r\n")
    if exchange.pointee.flags.contains(.isStream) {
      sendStreamAnswer(exchange.pointee.client, status: 308, head: writer.count, body: 0)
    } else {
      guard sendResponseBytes(id, writeScratch, writer.count) else { return count }
    }
    finish(id, then: exchange.pointee.flags.contains(.keepsClient) ? .next : .close)
    return head.length
  }
}

extension ImageView {
  /// The tenant that a host alone names, -1 when it names none.
  func tenant(ofHost host: UnsafeBufferPointer<UInt8>) -> TenantIndex {
    let nothing = UnsafeBufferPointer(start: host.baseAddress, count: 0)
    let resolution = rules._withUnsafeGuaranteedRef { rules in
      directory._withUnsafeGuaranteedRef { directory in
        rules.resolve(in: directory, host: host, header: nil, path: nothing, fallback: -1)
      }
    }
    return resolution.outcome == .resolved ? resolution.tenant : -1
  }
}
