import Primitives
import Testing

@testable import Control

@Suite struct PlainServerTests {
  private func server(
    connections: Int = 4, at endpoints: [Endpoint] = [.loopback], takesBodies: Bool = true,
    header: Duration = .seconds(20)
  ) throws -> PlainServer {
    var bounds = PlainServer.Bounds(connections: connections)
    bounds.takesBodies = takesBodies
    bounds.header = header
    bounds.headSize = 1024
    return try PlainServer(name: "test", at: endpoints, bounds: bounds) { exchange in
      let request = exchange.request
      exchange.answer(200, "text/plain", Array("\(request.method) \(request.path) \(request.bodyCount)".utf8))
    }
  }

  private func answer(_ body: String, closes: Bool = false) -> String {
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: \(body.utf8.count)\r\n"
      + (closes ? "Connection: close\r\n" : "") + "\r\n" + body
  }

  @Test func oneConnectionServesManyRequests() throws {
    let server = try server()
    defer { server.stop() }
    let client = try TestClient(server.endpoints[0])
    for _ in 1...3 {
      client.send("GET /a HTTP/1.1\r\nHost: a\r\n\r\n")
      #expect(client.receive(as: answer("GET /a 0")) == answer("GET /a 0"))
    }
    client.send("GET /b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    #expect(client.receiveAll() == answer("GET /b 0", closes: true))
  }

  @Test func bodiesAreCountedHoweverTheyCome() throws {
    let server = try server()
    defer { server.stop() }
    let client = try TestClient(server.endpoints[0])
    let chunked =
      "POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0A\r\n0123456789\r\n0\r\nT: u\r\n\r\n"
    client.send("POST /l HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello" + chunked + "GET /n HTTP/1.1\r\n\r\n")
    let expected = answer("POST /l 5") + answer("POST /c 13") + answer("GET /n 0")
    #expect(client.receive(as: expected) == expected)
    for byte in chunked.utf8 { client.send([byte]) }
    #expect(client.receive(as: answer("POST /c 13")) == answer("POST /c 13"))
  }

  @Test func aClientThatExpectsContinueIsToldToGoOn() throws {
    let server = try server()
    defer { server.stop() }
    let client = try TestClient(server.endpoints[0])
    client.send("PUT /e HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
    #expect(client.receive(through: "\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n")
    client.send("ab")
    #expect(client.receive(as: answer("PUT /e 2")) == answer("PUT /e 2"))
  }

  @Test(arguments: [
    ("\u{16}\u{3}\u{1}", 400), ("GET / HTTP/9\r\n\r\n", 400), ("GET / HTTP/1.1\r\nA: b\nC: d\r\n\r\n", 400),
    ("GET /" + String(repeating: "x", count: 2000), 431),
    ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
    ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n+3\r\nabc\r\n", 400),
    ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n", 400),
    ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\nabc\r\n", 400),
    ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + String(repeating: "0", count: 300), 400),
  ])
  func badBytesAreRefusedAndTheConnectionEnds(bytes: String, status: Int) throws {
    let server = try server()
    defer { server.stop() }
    let client = try TestClient(server.endpoints[0])
    client.send(bytes)
    client.endSending()
    #expect(client.receiveAll()?.hasPrefix("HTTP/1.1 \(status) ") == true)
  }

  @Test func anyBytesLeaveItServing() throws {
    let server = try server(connections: 8, header: .milliseconds(200))
    defer { server.stop() }
    let good = Array(
      "POST /c?x=y HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x\r\nabc\r\n0\r\nT: u\r\n\r\n".utf8)
    var random = SeededRandom(seed: 20)
    for _ in 0..<400 {
      var bytes = good + good
      for _ in 0...random.below(6) {
        let at = random.below(bytes.count)
        switch random.below(3) {
        case 0: bytes[at] = UInt8(truncatingIfNeeded: random.next())
        case 1: bytes.remove(at: at)
        default: bytes.insert([0x00, 0x0A, 0x0D, 0x20, 0x3A, 0x7F, 0xC3][random.below(7)], at: at)
        }
      }
      let client = try TestClient(server.endpoints[0])
      client.send(bytes)
      client.endSending()
      _ = client.receiveAll()
    }
    let client = try TestClient(server.endpoints[0])
    client.send("GET /still HTTP/1.0\r\n\r\n")
    #expect(client.receiveAll() == answer("GET /still 0", closes: true))
  }

  @Test func aBodyNobodyWantsIsRefused() throws {
    let server = try server(takesBodies: false)
    defer { server.stop() }
    let client = try TestClient(server.endpoints[0])
    client.send("POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nab")
    #expect(client.receiveAll()?.hasPrefix("HTTP/1.1 413 ") == true)
  }

  @Test func aSlowClientIsLetGo() throws {
    let server = try server(header: .milliseconds(100))
    defer { server.stop() }
    let client = try TestClient(server.endpoints[0])
    client.send("GET / HT")
    #expect(client.receiveAll() == "")
  }

  @Test func connectionsAboveTheBoundWaitTheirTurn() throws {
    let server = try server(connections: 2, header: .milliseconds(200))
    defer { server.stop() }
    let silent = try (1...2).map { _ in try TestClient(server.endpoints[0]) }
    let patient = try (1...6).map { _ in try TestClient(server.endpoints[0]) }
    for client in patient { client.send("GET /p HTTP/1.0\r\n\r\n") }
    for client in patient { #expect(client.receiveAll() == answer("GET /p 0", closes: true)) }
    for client in silent { #expect(client.receiveAll() == "") }
  }

  @Test func stoppingBreaksOffWhatWaits() throws {
    let server = try server(connections: 3)
    let clients = try (1...3).map { _ in try TestClient(server.endpoints[0]) }
    for client in clients { client.send("GET /s HTTP/1.1\r\n\r\n") }
    _ = clients[0].receive(through: "GET /s 0")
    server.stop()
    server.stop()
    #expect(clients[0].receiveAll() == "")
    #expect(throws: TestClient.Failure.self) { try TestClient(server.endpoints[0]) }
  }

  @Test func everyKindOfEndpointIsServed() throws {
    let directory = TestDirectory()
    let path = directory.path + "/socket"
    let six = Endpoint.tcp(IPAddress(high: 0, low: 1), port: 0)
    let server = try server(at: [.loopback, six, .anyAddress(port: 0), .unix(path)])
    for endpoint in server.endpoints {
      if case .tcp(_, let port) = endpoint { #expect(port != 0) }
      let client = try TestClient(endpoint)
      client.send("GET /k HTTP/1.1\r\nConnection: close\r\n\r\n")
      #expect(client.receiveAll() == answer("GET /k 0", closes: true))
    }
    server.stop()
    #expect(directory.names.isEmpty)
  }

  @Test func anAddressThatCanNotBeBoundIsAnError() {
    let nowhere = Endpoint.unix("/nonexistent/gatehouse/socket")
    #expect(throws: (any Error).self) { try server(at: [.loopback, nowhere]) }
  }
}
