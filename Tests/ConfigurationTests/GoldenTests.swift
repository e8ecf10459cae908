import ConfigLanguage
import Configuration
import Foundation
import Primitives
import Testing

/// Each `NAME.conf` of the folder beside this file gives exactly the text of `NAME.expected`.
///
/// With `GATEHOUSE_RECORD_GOLDEN=1` the expectations are written anew instead: read them before they are kept.
@Suite struct GoldenTests {
  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Golden")

  static let names: [String] = {
    let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return files.filter { $0.hasSuffix(".conf") }.map { String($0.dropLast(5)) }.sorted()
  }()

  @Test func thereAreEnough() { #expect(GoldenTests.names.count >= 70) }

  @Test(arguments: names) func golden(_ name: String) throws {
    let text = GoldenTests.diagnostics(of: name)
    let file = GoldenTests.folder.appendingPathComponent(name + ".expected")
    if ProcessInfo.processInfo.environment["GATEHOUSE_RECORD_GOLDEN"] == "1" {
      try Data(text.utf8).write(to: file)
    }
    let expected = try String(decoding: Data(contentsOf: file), as: UTF8.self)
    #expect(text == expected)
  }

  /// What loading says, with paths as seen from the folder.
  static func diagnostics(of name: String) -> String {
    let path = folder.appendingPathComponent(name + ".conf").path
    let outcome = ConfigurationLoader(processors: 2).load(
      path: path, environment: ["PORT": "8080", "HOST": "127.0.0.1", "WORD": "http"],
      resolveName: { $0.hasSuffix(".invalid") ? [] : [IPAddress(v4: 0x0A00_0001)] }, previous: nil)
    let text =
      switch outcome {
      case .loaded(let loaded): "loaded\n" + loaded.warnings.text
      case .refused(let report): report.text
      }
    return text.replacingOccurrences(of: folder.path + "/", with: "")
  }
}
