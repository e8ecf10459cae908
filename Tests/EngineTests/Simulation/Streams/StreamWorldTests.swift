import Primitives
import Testing

@testable import Engine

/// Worlds of HTTP/2 that found bugs, and worlds made for one thing.
struct StreamWorldTests {
  private func expectRight(_ scenario: (UInt64) -> Scenario) {
    for seed in 1...6 as ClosedRange<UInt64> {
      #expect(SimulationTests.run(scenario(seed)).isEmpty, "seed \(seed)")
    }
  }

  @Test func streamsWithSmallWindowsKeepTheirLaws() {
    expectRight { Scenario.streams(seed: $0) }
    expectRight { Scenario.streams(seed: $0, climate: .faulty) }
  }

  /// What a slow client had not taken yet was lost when the backend closed, though all of the answer had come.
  @Test func aBackendMayLeaveBeforeItsAnswerIsTaken() { expectRight(Scenario.leavingBackends) }

  /// Trailers were followed by a second last chunk, which was taken for the start of the next answer.
  @Test func trailersOfAStreamEndItsChunksOnce() { expectRight(Scenario.trailersOfStreams) }

  /// A malformed answer was asked for again, and told as a backend that can't be connected to.
  @Test func aMalformedAnswerOnAStreamIsAnAnswer() { expectRight(Scenario.malformedStreams) }

  /// The same of the third edition, in which HTTP/2 is spoken: answers cut when their backend closed (5, 8, 20), requests
  /// asked again after a malformed answer (6, 7, 10, 11), a second last chunk (4, 6, 7), sends of nothing (1, 2, 13),
  /// and a body behind GOAWAY taken for a fault (38).
  @Test(arguments: [1, 2, 4, 5, 6, 7, 8, 10, 11, 13, 20, 38] as [UInt64])
  func aWorldThatFoundABugStaysRight(_ seed: UInt64) {
    #expect(SimulationTests.run(Scenario(seed: seed, edition: 3)).isEmpty)
  }
}
