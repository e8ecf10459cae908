import Engine
import Platform
import Primitives
import Tenancy
import Testing

@testable import Control

@Suite struct HandoverMessageTests {
  static let spent = SpentBucket(rate: RequestRate(count: 5, period: .second, burst: 10), debt: 1 << 40, time: -7)
  static let messages: [HandoverMessage] = [
    .hello(HandoverMessage.Hello(generation: 3, upgrades: 1, failures: .max)),
    .sockets(
      InheritedSockets.Listener(
        use: .admin, endpoint: .unix("/run/a.sock"), bound: .unix("/run/a.sock"), sockets: [], isForeign: true)),
    .sockets(
      InheritedSockets.Listener(
        use: nil, endpoint: .tcp(IPAddress(v4: 0x7F00_0001), port: 0), bound: .anyAddress(port: 443), sockets: [],
        isForeign: false)),
    .listed,
    .secrets(
      HandoverMessage.Secrets(
        hashKeys: HashKeys(first: 1, second: .max),
        tickets: [
          HandoverMessage.Secrets.Ticket(bytes: Array(0..<80), made: 9),
          HandoverMessage.Secrets.Ticket(bytes: [], made: .min),
        ])),
    .counts([
      .bucket(tenant: "acme", spent), .shared(key: "plan gold", spent),
      .line(tenant: "acme", MeterBook.HandedLine(identity: 4, revision: 15, spent: spent)),
      .key(tenant: "acme", MeterBook.HandedKey(key: 5, arrival: .max, used: -1)),
      .quota(QuotaUse(tenant: "acme", limit: "", start: 6, used: 7), identity: 8),
      .inFlight(tenant: "acme", count: 9), .late(tenant: "ü", tokens: 10),
      .lateUse(tenant: "acme", identity: 11, amount: 12),
    ]),
    .counts([]), .take(audit: [1, 2, 3]), .prepared, .loaded, .ready, .failed("for a reason"),
  ]

  @Test(arguments: messages) func whatIsWrittenIsRead(message: HandoverMessage) throws {
    #expect(try HandoverMessage(message.bytes) == message)
    #expect(message.bytes.count <= MessageChannel.mostBytes)
  }

  @Test(arguments: messages) func aPartOfItIsRefused(message: HandoverMessage) {
    for count in 0..<message.bytes.count {
      // What ends behind a whole count is a shorter list.
      if let read = try? HandoverMessage(Array(message.bytes.prefix(count))) {
        #expect(HandoverMessageTests.isList(read), "\(count) bytes of \(message)")
      }
    }
    guard !HandoverMessageTests.isList(message) else { return }
    #expect(throws: HandoverMessage.Fault.malformed) { try HandoverMessage(message.bytes + [0]) }
  }

  private static func isList(_ message: HandoverMessage) -> Bool {
    switch message {
    case .counts, .secrets: true
    default: false
    }
  }

  @Test func anotherVersionSaysWhich() {
    var bytes = HandoverMessageTests.messages[0].bytes
    bytes[20] = 9
    bytes[21] = 1
    #expect(throws: HandoverMessage.Fault.version(0x109)) { try HandoverMessage(bytes) }
    // Whatever that version says behind it.
    #expect(throws: HandoverMessage.Fault.version(0x109)) { try HandoverMessage(Array(bytes.prefix(22))) }
  }

  @Test(
    arguments: [[], [0], [99], [255, 1], [4, 9, 0, 0], [4, 0, 255, 255], [2, 7, 0], [20, 1, 0, 0xFF]] as [[UInt8]])
  func whatIsNoneIsRefused(bytes: [UInt8]) {
    #expect(throws: HandoverMessage.Fault.malformed) { try HandoverMessage(bytes) }
  }

  @Test func negativeAmountsAreRefused() {
    for count: HandedCount in [
      .late(tenant: "a", tokens: -1), .lateUse(tenant: "a", identity: 1, amount: -1),
      .quota(QuotaUse(tenant: "a", limit: "", start: 0, used: -1), identity: 1),
    ] {
      #expect(throws: HandoverMessage.Fault.malformed) { try HandoverMessage(HandoverMessage.counts([count]).bytes) }
    }
  }

  @Test func aLongReasonIsCut() throws {
    let bytes = HandoverMessage.failed(String(repeating: "x", count: 1 << 20)).bytes
    #expect(bytes.count <= MessageChannel.mostBytes)
    #expect(try HandoverMessage(bytes) == .failed(String(repeating: "x", count: HandoverMessage.longestReason)))
  }

  /// The longest counts fit together into a message.
  @Test func aBatchFits() {
    let count = HandedCount.line(
      tenant: String(repeating: "x", count: 253),
      MeterBook.HandedLine(identity: 1, revision: 1, spent: HandoverMessageTests.spent))
    let batch = HandoverMessage.counts(Array(repeating: count, count: Successor.batch))
    #expect(batch.bytes.count <= MessageChannel.mostBytes)
  }
}
