import Foundation
import Platform
import Primitives
import Testing

@testable import Engine

/// The kernel's network has run out of descriptors, and gets some back: in a process of its own, where nobody else misses
/// them.
struct ExhaustionTests {
  private static let isAlone = ProcessInfo.processInfo.environment["EXHAUSTED"] != nil

  @Test(.disabled(if: isAlone))
  func theKernelTellsOfExhaustion() throws {
    let child = Process()
    child.executableURL = URL(fileURLWithPath: "/bin/sh")
    let program = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let filter = "--testing-library swift-testing --filter ExhaustionTests/acceptAndConnectAreExhausted"
    child.arguments = ["-c", "ulimit -n 64; exec '\(program)' \(filter)"]
    child.environment = ProcessInfo.processInfo.environment.merging(["EXHAUSTED": "1"]) { $1 }
    let output = Foundation.Pipe()
    (child.standardOutput, child.standardError) = (output, output)
    try child.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    child.waitUntilExit()
    #expect(child.terminationStatus == 0, "\(text)")
    #expect(text.contains("with 1 test"), "\(text)")
  }

  @Test(.enabled(if: isAlone))
  func acceptAndConnectAreExhausted() throws {
    let peers = try KernelPeers()
    var network = try KernelNetwork(
      listeners: [ListenerSocket(peers.first)], waker: peers.waker, roster: peers.roster)
    _ = peers.connectClient()
    var taken: [Int32] = []
    for _ in 0..<1_000 {
      let socket = Socket.duplicate(peers.first)
      guard socket >= 0 else { break }
      taken.append(socket)
    }
    var (address, port) = (IPAddress(high: 0, low: 0), UInt16(0))
    guard case .exhausted = network.accept(0, token: 1 << 32, peer: &address, port: &port),
      case .exhausted = network.connect(to: peers.backend, token: 2 << 32)
    else {
      Issue.record("opened without descriptors")
      return
    }
    // Who waited still waits.
    for socket in taken { Socket.close(socket, resetting: false) }
    guard case .opened = network.accept(0, token: 1 << 32, peer: &address, port: &port),
      case .opened = network.connect(to: peers.backend, token: 2 << 32)
    else {
      Issue.record("not opened with descriptors")
      return
    }
  }
}
