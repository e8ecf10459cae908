import Primitives
import Testing

@testable import Control

@Suite struct MetricsServerTests {
  private func server() throws -> MetricsServer {
    try MetricsServer(at: [.loopback]) { path, accept in
      switch path {
      case "/metrics":
        let format = MetricsFormat(accept: accept)
        let body = Array("up 1\n".utf8) + (format == .openMetrics ? Array("# EOF\n".utf8) : [])
        return MetricsServer.Answer(status: 200, contentType: format.contentType, body: body)
      case "/livez": return MetricsServer.Answer(status: 200, text: "alive")
      default: return MetricsServer.Answer(status: 503, text: "draining")
      }
    }
  }

  private func ask(_ request: String) throws -> String? {
    let server = try server()
    defer { server.stop() }
    let client = try TestClient(server.endpoints[0])
    client.send(request + "Connection: close\r\n\r\n")
    return client.receiveAll()
  }

  @Test func aScrapeIsPrometheusText() throws {
    let answer = try ask("GET /metrics?x=y HTTP/1.1\r\n")
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\nContent-Length: 5\r\n"
    #expect(answer == head + "Cache-Control: no-store\r\nConnection: close\r\n\r\nup 1\n")
  }

  @Test func acceptAsksForOpenMetrics() throws {
    let answer = try #require(try ask("GET /metrics HTTP/1.1\r\nAccept: application/openmetrics-text\r\n"))
    #expect(answer.contains("Content-Type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n"))
    #expect(answer.hasSuffix("\r\n\r\nup 1\n# EOF\n"))
  }

  @Test func headHasNoBody() throws {
    let answer = try #require(try ask("HEAD /metrics HTTP/1.1\r\n"))
    #expect(answer.contains("Content-Length: 5\r\n"))
    #expect(answer.hasSuffix("\r\n\r\n"))
  }

  @Test func probesTellTheirStatus() throws {
    #expect(try ask("GET /livez HTTP/1.1\r\n")?.hasSuffix("\r\n\r\nalive\n") == true)
    #expect(try ask("GET /readyz HTTP/1.1\r\n")?.hasPrefix("HTTP/1.1 503 Service Unavailable\r\n") == true)
  }

  @Test(arguments: [
    ("GET / HTTP/1.1\r\n", 404), ("GET /metricsx HTTP/1.1\r\n", 404), ("POST /nowhere HTTP/1.1\r\n", 404),
    ("POST /metrics HTTP/1.1\r\n", 405), ("OPTIONS /livez HTTP/1.1\r\n", 405),
    ("POST /metrics HTTP/1.1\r\nContent-Length: 1\r\n", 413), ("GET metrics HTTP/1.1\r\n", 400),
  ])
  func allElseIsRefused(request: String, status: Int) throws {
    let answer = try #require(try ask(request))
    #expect(answer.hasPrefix("HTTP/1.1 \(status) "))
    #expect(answer.contains("Allow: GET, HEAD\r\n") == (status == 405))
  }
}
