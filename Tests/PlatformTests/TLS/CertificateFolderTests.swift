import Foundation
import Testing

@testable import Platform

@Suite struct CertificateFolderTests {
  private let maker: CertificateMaker

  init() throws { maker = try CertificateMaker() }

  /// Asks again until something is found or `body` holds.
  private func poll(_ folder: CertificateFolder, until body: () -> Bool) -> [CertificateFolder.Finding] {
    var findings: [CertificateFolder.Finding] = []
    for _ in 0..<10 where !body() && findings.isEmpty { findings += folder.poll() }
    return findings
  }

  @Test func pairsAreFoundByTheirNames() throws {
    _ = try maker.make("a.example", "b.example", file: "one")
    _ = try maker.make("*.c.example", file: "two")
    _ = try maker.make("hidden.example", file: ".hidden")
    let folder = try CertificateFolder(path: maker.folder)
    #expect(try folder.scan().isEmpty)
    #expect(folder.loaded.count == 2)
    #expect(folder.choice(for: "b.example")?.first?.names.first == "a.example")
    #expect(folder.choice(for: "x.c.example")?.first?.names == ["*.c.example"])
    #expect(folder.choice(for: "hidden.example") == nil)
    #expect(folder.fallback().first?.names.first == "a.example")
  }

  @Test func whatChangesIsTakenUpOnceItHasSettled() throws {
    _ = try maker.make("a.example", file: "one")
    let folder = try CertificateFolder(path: maker.folder)
    #expect(try folder.scan().isEmpty)
    _ = try maker.make("new.example", file: "two")
    #expect(folder.poll().isEmpty)
    #expect(folder.choice(for: "new.example") == nil)
    #expect(folder.poll().isEmpty)
    #expect(folder.choice(for: "new.example") != nil)
    try FileManager.default.removeItem(atPath: "\(maker.folder)/one.pem")
    #expect(poll(folder) { folder.choice(for: "a.example") == nil }.isEmpty)
    #expect(folder.choice(for: "a.example") == nil)
  }

  @Test func whatIsBrokenIsTakenByNobody() throws {
    _ = try maker.make("a.example", file: "one")
    let folder = try CertificateFolder(path: maker.folder)
    #expect(try folder.scan().isEmpty)
    let first = try #require(folder.choice(for: "a.example")?.first)
    try Data("nothing".utf8).write(to: URL(fileURLWithPath: "\(maker.folder)/one.key"))
    let findings = poll(folder) { false }
    #expect(findings.map(\.path) == ["\(maker.folder)/one.key"])
    #expect(findings.map(\.reason) == ["holds no private key in PEM form"])
    #expect(folder.choice(for: "a.example")?.first === first)
    #expect(try folder.scan().isEmpty)
    #expect(folder.choice(for: "a.example")?.first === first)
  }

  @Test func aFolderThatIsNone() throws {
    #expect(throws: SystemError.self) { _ = try CertificateFolder(path: "\(maker.folder)/none") }
  }
}
