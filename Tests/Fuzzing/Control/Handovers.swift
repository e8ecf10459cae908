@testable import Control

/// Any bytes are a message of the handover or none; what is one is the same when it is written and read again.
enum Handovers {
  @Sendable static func run(_ bytes: [UInt8]) throws {
    // What is longer than a reason may be is cut.
    guard bytes.count <= HandoverMessage.longestReason, let message = try? HandoverMessage(bytes) else { return }
    try requireEqual(try HandoverMessage(message.bytes), message, "written and read again")
  }
}
