import Balancing
import Testing

@Suite struct BalanceAlgorithmTests {
  @Test func namesAreThoseOfTheLanguage() {
    #expect(BalanceAlgorithm.allCases.map(\.name) == ["round-robin", "least-requests", "peak-ewma", "random"])
    for algorithm in BalanceAlgorithm.allCases { #expect(BalanceAlgorithm(name: algorithm.name) == algorithm) }
  }

  @Test(arguments: ["", "roundrobin", "Round-Robin", "round-robin ", "ewma"])
  func otherNamesAreRefused(name: String) { #expect(BalanceAlgorithm(name: name) == nil) }
}
