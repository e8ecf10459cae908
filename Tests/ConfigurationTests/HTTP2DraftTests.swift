import ConfigLanguage
import Configuration
import Engine
import Primitives
import Testing

/// What is said of HTTP/2 takes effect.
@Suite struct HTTP2DraftTests {
  private func text(_ protocols: String) -> String {
    "listen 127.0.0.1:0 {\n  \(protocols)\n}\nshard s {\n  backend 127.0.0.1:1\n}\n"
  }

  @Test func whatAListenerSpeaks() throws {
    func spoken(_ line: String) throws -> ListenerProtocols { try load(text(line)).blueprint.listeners[0].protocols }
    #expect(try spoken("") == .http1)
    #expect(try spoken("protocols http/1.1") == .http1)
    #expect(try spoken("protocols h2") == .http2)
    #expect(try spoken("protocols h2 http/1.1") == .both)
    #expect(try spoken("protocols http/1.1 h2") == .both)
    #expect(try load(leastText).blueprint.listeners[0].protocols == .http1)
  }

  @Test func whatAShardIsSpokenToIn() throws {
    func speaksHTTP2(_ line: String) throws -> Bool {
      let text = "listen 127.0.0.1:0\nshard s {\n  backend 127.0.0.1:1\n\(line)}\n"
      return try load(text).blueprint.shards[0].speaksHTTP2
    }
    #expect(try !speaksHTTP2(""))
    #expect(try !speaksHTTP2("  protocol http/1.1\n"))
    #expect(try speaksHTTP2("  protocol h2\n"))
    #expect(try load("defaults shard {\n  protocol h2\n}\n" + leastText).blueprint.shards[0].speaksHTTP2)
  }

  @Test func howMuchAConnectionMayAsk() throws {
    let absent = try load(leastText).blueprint.http2
    #expect(absent.streams == 128)
    #expect(absent.resets == 100 && absent.resetPeriod == 10 * .second)
    let said = try load(leastText + "h2 {\n  streams 7\n  resets 5/m\n}\n").blueprint.http2
    #expect(said.streams == 7)
    #expect(said.resets == 5 && said.resetPeriod == 60 * .second)
  }
}
