import Platform
import Primitives
import Testing

@Suite struct MachineTests {
  @Test func reservedMemoryIsZeroAndCanBeWritten() {
    let count = 1 << 20
    let memory = ZeroedMemory.reserve(UInt64.self, count: count)
    defer { ZeroedMemory.release(memory, count: count) }
    #expect((0..<count).allSatisfy { memory[$0] == 0 })
    memory[0] = .max
    memory[count - 1] = 7
    #expect(memory[0] == .max && memory[1] == 0 && memory[count - 1] == 7)
  }

  @Test func workAsideGivesWayAndHandsItsOutcomeBack() throws {
    let before = Machine.niceness
    let (niceness, sum) = try Thread.aside(named: "aside") { (Machine.niceness, (1...100).reduce(0, +)) }
    #expect(niceness == min(19, Thread.asideNiceness) && sum == 5050)
    #expect(Machine.niceness == before)
  }

  @Test func addressSpaceCostsNothingUntouched() {
    let count = 1 << 36
    let memory = ZeroedMemory.reserve(UInt8.self, count: count)
    #expect(memory[count - 1] == 0)
    ZeroedMemory.release(memory, count: count)
  }

  @Test func localhostIsTheLoopback() {
    let loopbacks = [IPAddress(v4: 0x7F00_0001), IPAddress(high: 0, low: 1)]
    let found = NameService.addresses(of: "localhost")
    #expect(!found.isEmpty && found.allSatisfy { loopbacks.contains($0) })
    #expect(NameService.addresses(of: "127.0.0.1") == [IPAddress(v4: 0x7F00_0001)])
    #expect(NameService.addresses(of: "::1") == [IPAddress(high: 0, low: 1)])
  }

  @Test func theMonotonicClockNeverGoesBack() {
    var last = Clock.now()
    for _ in 0..<10_000 {
      let now = Clock.now()
      #expect(now >= last)
      last = now
    }
    // After 2020.
    #expect(Clock.wall() > 1_577_836_800 * Int64.second)
  }

  @Test func randomnessDiffersEachTime() {
    #expect(Machine.randomBytes(16).count == 16 && Machine.randomBytes(256).count == 256)
    #expect(Set((0..<1000).map { _ in Machine.randomNumber() }).count == 1000)
    #expect(Machine.cpuCount >= 1 && Machine.raiseDescriptorLimit() >= 64)
  }

  @Test func anErrorHasTheKernelsWords() {
    #expect(SystemError("bind", 98).description == "bind: Address already in use")
    #expect(Libraries.openSSL.hasPrefix("OpenSSL "))
  }
}
