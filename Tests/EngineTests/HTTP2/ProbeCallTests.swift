import Testing

@testable import Engine

struct ProbeCallTests {
  @Test func messages() {
    #expect(ProbeCall.message("") == [0, 0, 0, 0, 0])
    #expect(ProbeCall.message("a.B") == [0, 0, 0, 0, 5, 0x0A, 3] + Array("a.B".utf8))
    let long = String(repeating: "x", count: 300)
    #expect(ProbeCall.message(long) == [0, 0, 0, 1, 47, 0x0A, 0xAC, 0x02] + Array(long.utf8))
  }
}
