import Foundation
import Primitives
import Testing

@testable import Control

@Suite struct SampleApplicationTests {
  private func ask(_ request: String) throws -> String? {
    let sample = try SampleApplication(at: .loopback, named: "127.0.0.1:9001")
    defer { sample.stop() }
    let client = try TestClient(sample.endpoint)
    client.send(request)
    return client.receiveAll()
  }

  @Test func anyPathTellsWhatWasReceived() throws {
    let fields = "X-Tenant-ID: acme\r\nX-Placement-Shard: eu-1\r\nX-Placement-Epoch: 7\r\nX-Request-Id: a\"\\\tb\r\n"
    let request = "PUT /o\"x?y=1 HTTP/1.1\r\n\(fields)Connection: close\r\nContent-Length: 3\r\n\r\nabc"
    let answer = try #require(try ask(request))
    let body = try #require(answer.components(separatedBy: "\r\n\r\n").last)
    let members = try #require(try JSONSerialization.jsonObject(with: Data(body.utf8)) as? [String: Any])
    #expect(answer.contains("Content-Type: application/json\r\n"))
    let expected = [
      "backend": "127.0.0.1:9001", "tenant": "acme", "shard": "eu-1", "epoch": "7", "request_id": "a\"\\\tb",
      "method": "PUT", "path": "/o\"x", "query": "y=1",
    ]
    for (key, value) in expected { #expect(members[key] as? String == value) }
    #expect(members["body_bytes"] as? Int == 3)
    #expect(members["host"] == nil)
  }

  @Test func theProbeIsFine() throws {
    let answer = try ask("GET /healthz HTTP/1.0\r\n\r\n")
    #expect(answer?.hasPrefix("HTTP/1.1 200 OK\r\n") == true)
    #expect(answer?.hasSuffix("\r\n\r\nok\n") == true)
  }

  @Test func slowTakesItsTime() throws {
    let start = ContinuousClock().now
    #expect(try ask("GET /slow?ms=50 HTTP/1.0\r\n\r\n")?.contains("\"path\":\"/slow\"") == true)
    #expect(ContinuousClock().now - start >= .milliseconds(50))
  }

  @Test func theStreamIsChunkedEvents() throws {
    let answer = try #require(try ask("GET /stream HTTP/1.1\r\nConnection: close\r\n\r\n"))
    #expect(answer.contains("Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n"))
    #expect(answer.components(separatedBy: "\ndata: ").count == 1 + SampleApplication.eventCount)
    #expect(answer.hasSuffix("\r\n0\r\n\r\n"))
  }

  @Test func theStreamToHTTP10EndsWithTheConnection() throws {
    let answer = try #require(try ask("GET /stream HTTP/1.0\r\n\r\n"))
    #expect(!answer.contains("Transfer-Encoding"))
    #expect(answer.hasSuffix("\"event\":5}\n\n"))
  }

  @Test func stoppingBreaksOffASlowAnswer() throws {
    let sample = try SampleApplication(at: .loopback, named: "x")
    let client = try TestClient(sample.endpoint)
    client.send("GET /stream HTTP/1.1\r\n\r\n")
    _ = client.receive(through: "\"event\":1}\n\n")
    sample.stop()
    #expect(client.receiveAll()?.hasSuffix("0\r\n\r\n") == false)
  }
}
