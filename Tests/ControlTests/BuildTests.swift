import Foundation
import Testing

@testable import Control

@Suite struct BuildTests {
  @Test func bothFormsTellTheSameFacts() throws {
    let object = try JSONSerialization.jsonObject(with: Data(Build.json.utf8))
    let facts = try #require(object as? [String: Any])
    for (key, value) in [("version", Build.version), ("swift", Build.swift), ("openssl", Build.openSSL)] {
      #expect(facts[key] as? String == value)
      #expect(Build.text.contains(value))
    }
    #expect(facts["features"] as? [String] == Build.features)
  }

  @Test(arguments: [
    ("commit:0123456789ab", "0123456789ab"), ("commit:0123456789ab-dirty", "0123456789ab-dirty"), ("", "unknown"),
    ("commit:with a blank", "unknown"), ("any other id", "unknown"),
  ])
  func theIDOfABuildTellsItsCommit(id: String, commit: String) { #expect(Build.commit(in: Array(id.utf8)) == commit) }

  @Test func aBuildThatWasNotToldIsUnknown() { #expect(Build.commit == "unknown") }

  @Test func openSSLIsANumber() {
    #expect(Build.openSSL.first?.isNumber == true)
  }
}
