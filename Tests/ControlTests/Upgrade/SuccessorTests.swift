import Platform
import Testing

@testable import Control

@Suite struct SuccessorTests {
  @Test func theProgramIsTheOneThatWasStarted() throws {
    #expect(try Successor.program(environment: [:], arguments: ["/bin/sh", "run"]) == "/bin/sh")
    #expect(try Successor.program(environment: ["PATH": "/nowhere:/bin"], arguments: ["sh"]) == "/bin/sh")
    #expect(try Successor.program(environment: ["GATEHOUSE_BINARY": "/bin/ls"], arguments: ["/bin/sh"]) == "/bin/ls")
  }

  @Test(
    arguments: [
      (["GATEHOUSE_BINARY": "/nowhere/x"], ["/bin/sh"], "/nowhere/x can't be run: No such file or directory"),
      ([:], ["/etc/passwd"], "/etc/passwd can't be run: Permission denied"),
      (["PATH": "/nowhere"], ["sh"], "there is no 'sh' in $PATH any more; name the new binary with GATEHOUSE_BINARY"),
    ] as [([String: String], [String], String)])
  func whatCanNotBeRunIsSaid(environment: [String: String], arguments: [String], reason: String) {
    let failure = #expect(throws: UpgradeFailure.self) {
      try Successor.program(environment: environment, arguments: arguments)
    }
    #expect(failure?.description == reason)
  }
}
