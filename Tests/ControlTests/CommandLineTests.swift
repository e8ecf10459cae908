import Foundation
import Testing

@testable import Control

@Suite struct CommandLineTests {
  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  @Test func verbsTakeOperandsAndOptions() throws {
    let words = ["grant", "create", "support", "--tenant", "acme", "--tenant=globex", "--until", "2h", "--json"]
    let invocation = try Invocation(words)
    #expect(invocation.verb == "create")
    #expect(invocation.operands == ["support"])
    #expect(invocation.values(.tenant) == ["acme", "globex"])
    #expect(invocation.value(.until) == "2h")
    #expect(invocation.value(.reason) == nil)
    #expect(invocation.isJSON)
    #expect(try Invocation(["audit"]).verb == "")
    #expect(try Invocation(["audit", "verify", "--state", "x"]).verb == "verify")
  }

  @Test(
    arguments: [
      (["grant"], "'grant' needs one of list, create, revoke", nil),
      (["grant", "reovke", "x"], "'grant' knows no 'reovke'", "revoke"),
      (["grant", "create"], "write 'grant create ROLE [options]'", nil),
      (["grant", "revoke", "a", "b"], "write 'grant revoke ID [options]'", nil),
      (["grant", "revoke", ""], "write 'grant revoke ID [options]'", nil),
      (["status", "now"], "'status' takes no 'now'", nil),
      (["grant", "list", "--until", "2h"], "'grant list' has no option '--until'", nil),
      (["audit", "verify", "--socket", "x"], "'audit verify' has no option '--socket'", nil),
      (["status", "--soket", "x"], "unknown option '--soket'", "--socket"),
      (["status", "--socket", ""], "'--socket' needs a value that is not empty", nil),
    ] as [([String], String, String?)])
  func aBadVerbIsExplained(words: [String], message: String, suggestion: String?) {
    #expect(throws: Invocation.Fault(message: message, suggestion: suggestion)) { try Invocation(words) }
  }

  @Test func everyVerbIsWellFormed() {
    for command in Command.allCases {
      #expect(Set(command.verbs.map(\.name)).count == command.verbs.count)
      for verb in command.verbs {
        #expect(!verb.summary.isEmpty)
        #expect(Set(verb.allOptions).count == verb.allOptions.count)
        for (place, operand) in verb.operands.enumerated() {
          if case .many = operand { #expect(place == verb.operands.count - 1) }
        }
      }
    }
  }

  @Test func filesMadeFromTheCommandLineAreUpToDate() throws {
    for (name, text) in [("gatehouse.bash-completion", CompletionScript.text), ("gatehouse.1", ManualPage.text)] {
      let file = CommandLineTests.root.appendingPathComponent("deploy/\(name)")
      let kept = try String(contentsOf: file, encoding: .utf8)
      #expect(kept == text, "made anew by 'gatehouse help \(name.hasSuffix("1") ? "man-page" : "bash-completion")'")
    }
  }

  @Test func tablesAreAlignedAndClean() {
    var table = TextTable(["NAME", "N"], numbers: [1])
    table.add(["a", "10"])
    table.add(["long\u{1B}[2J", "7"])
    #expect(table.text == "NAME       N\na         10\nlong?[2J   7\n")
  }

  @Test(
    arguments: [
      ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nETag: \"x\"\r\n\r\nab", false, 200),
      ("HTTP/1.1 204 No Content\r\n\r\n", false, 204), ("HTTP/1.1 200 OK\r\n\r\nabc", true, 200),
      ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab", true, nil),
      ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n", true, nil),
      ("HTTP/2 200\r\n\r\n", true, nil), ("", true, nil), ("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", true, nil),
    ] as [(String, Bool, Int?)])
  func answersAreRead(text: String, isWhole: Bool, status: Int?) {
    #expect(AdminReplyText(Array(text.utf8)[...], isWhole: isWhole).reply?.status == status)
  }
}
