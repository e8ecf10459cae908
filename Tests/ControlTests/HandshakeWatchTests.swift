import Engine
import Platform
import Primitives
import Testing

@testable import Control

@Suite struct HandshakeWatchTests {
  private let start = Instant(nanoseconds: 1_000 * .second)

  private func failure(_ reason: String, _ count: Int = 1, kind: TLSFailureKind = .agreement) -> HandshakeFailure {
    var failure = HandshakeFailure(kind, reason)
    failure.client = IPAddress(v4: 0xC000_0207)
    failure.count = count
    return failure
  }

  @Test func aReasonIsToldOnceAMinute() {
    var watch = HandshakeWatch()
    let line = "TLS handshake of client 192.0.2.7 failed: no shared cipher"
    #expect(watch.lines(about: [failure("no shared cipher", 5)], at: start) == [line])
    for second in 1..<60 {
      let now = start.advanced(by: Int64(second) * .second)
      #expect(watch.lines(about: [failure("no shared cipher", 2)], at: now).isEmpty)
    }
    let later = start.advanced(by: HandshakeWatch.pause)
    #expect(
      watch.lines(about: [failure("no shared cipher")], at: later)
        == [line + "; 122 more since that was last told"])
    #expect(watch.lines(about: [failure("other")], at: later) == ["TLS handshake of client 192.0.2.7 failed: other"])
  }

  @Test func backendsAreToldByName() {
    var watch = HandshakeWatch()
    let lost = HandshakeFailure(.closed, "the peer closed the connection", backend: ("eu-1", "10.0.0.1:443"))
    #expect(
      watch.lines(about: [lost], at: start)
        == ["TLS handshake with backend 10.0.0.1:443 of shard eu-1 failed: the peer closed the connection"])
    #expect(watch.lines(about: [failure("x", kind: .closed), failure("y", kind: .timeout)], at: start).isEmpty)
  }

  @Test func thereAreNeverTooManyLines() {
    var watch = HandshakeWatch()
    let many = (0..<1_000).map { failure("reason \($0)") }
    #expect(watch.lines(about: many, at: start).count == HandshakeWatch.most)
    #expect(watch.lines(about: many, at: start.advanced(by: .second)).isEmpty)
    #expect(watch.lines(about: many, at: start.advanced(by: HandshakeWatch.pause)).count == HandshakeWatch.most)
  }
}
