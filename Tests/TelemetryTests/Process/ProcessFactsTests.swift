import Testing

@testable import Telemetry

@Suite struct ProcessFactsTests {
  @Test func theStatusIsReadPastTheName() {
    var facts = ProcessFacts()
    let status = """
      4242 (gate) house 1 2)) S 1 4242 4242 0 -1 4194560 5 0 0 0 150 50 0 0 20 0 4 0 1000 104857600 256 \
      18446744073709551615 1 1 0 0
      """
    facts.readStatus(status, ticksPerSecond: 100, pageSize: 4_096, 1_700_000_000)
    #expect(facts.cpuSeconds == 2)
    #expect(facts.startTime == 1_700_000_010)
    #expect(facts.virtualBytes == 104_857_600)
    #expect(facts.residentBytes == 1_048_576)
  }

  @Test(arguments: ["", "nothing", "1 (x) S 1 2", "1 (x"])
  func aStatusThatIsNoneTellsNothing(status: String) {
    var facts = ProcessFacts()
    facts.readStatus(status, ticksPerSecond: 100, pageSize: 4_096, 0)
    #expect(facts == ProcessFacts())
  }

  @Test func limitsAreTheSoftOnes() {
    let limits = """
      Limit                     Soft Limit           Hard Limit           Units
      Max open files            1024                 524288               files
      Max address space         unlimited            unlimited            bytes
      """
    #expect(ProcessFacts.softLimit("Max open files", in: limits) == 1_024)
    #expect(ProcessFacts.softLimit("Max address space", in: limits) == nil)
    #expect(ProcessFacts.softLimit("Max locked memory", in: limits) == nil)
  }

  @Test func bootTime() {
    #expect(ProcessFacts.bootTime(in: "cpu 1 2\nbtime 1700000000\nprocesses 7\n") == 1_700_000_000)
    #expect(ProcessFacts.bootTime(in: "cpu 1 2\n") == nil)
  }

  @Test func thisProcessIsPlausible() throws {
    let facts = ProcessFacts.current()
    #expect(try #require(facts.cpuSeconds) >= 0)
    #expect(try #require(facts.openDescriptors) >= 3)
    #expect(try #require(facts.residentBytes) > 1 << 20)
    #expect(try #require(facts.virtualBytes) >= #require(facts.residentBytes))
    #expect(try #require(facts.startTime) > 1_600_000_000)
  }
}
