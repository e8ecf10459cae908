import Foundation
import Testing

@testable import Platform

@Suite struct CertificateFolderTests {
  private let maker: CertificateMaker

  init() throws { maker = try CertificateMaker() }

  /// What is found for a name, loaded at once if it must be.
  private func choice(_ folder: CertificateFolder, _ name: String?) -> [Certificate]? {
    let outcome = name.map { folder.lookup($0, waking: -1) } ?? folder.fallback(waking: -1)
    if case .found(let choice) = outcome { return choice }
    return nil
  }

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
    #expect(choice(folder, "b.example")?.first?.names.first == "a.example")
    #expect(choice(folder, "x.c.example")?.first?.names == ["*.c.example"])
    #expect(choice(folder, "hidden.example") == nil)
    #expect(choice(folder, nil)?.first?.names.first == "a.example")
  }

  @Test func whatChangesIsTakenUpOnceItHasSettled() throws {
    _ = try maker.make("a.example", file: "one")
    let folder = try CertificateFolder(path: maker.folder)
    #expect(try folder.scan().isEmpty)
    _ = try maker.make("new.example", file: "two")
    #expect(folder.poll().isEmpty)
    #expect(choice(folder, "new.example") == nil)
    #expect(folder.poll().isEmpty)
    #expect(choice(folder, "new.example") != nil)
    try FileManager.default.removeItem(atPath: "\(maker.folder)/one.pem")
    #expect(poll(folder) { choice(folder, "a.example") == nil }.isEmpty)
    #expect(choice(folder, "a.example") == nil)
  }

  @Test func whatIsBrokenIsTakenByNobody() throws {
    _ = try maker.make("a.example", file: "one")
    let folder = try CertificateFolder(path: maker.folder)
    #expect(try folder.scan().isEmpty)
    let first = try #require(choice(folder, "a.example")?.first)
    try Data("nothing".utf8).write(to: URL(fileURLWithPath: "\(maker.folder)/one.key"))
    let findings = poll(folder) { false }
    #expect(findings.map(\.path) == ["\(maker.folder)/one.key"])
    #expect(findings.map(\.reason) == ["holds no private key in PEM form"])
    #expect(choice(folder, "a.example")?.first === first)
    #expect(try folder.scan().isEmpty)
    #expect(choice(folder, "a.example")?.first === first)
  }

  /// A folder of more pairs than are all loaded.
  private func largeFolder() throws -> CertificateFolder {
    _ = try maker.make("a.example", file: "t0")
    for number in 1...CertificateFolder.eager {
      for kind in ["pem", "key"] {
        try FileManager.default.linkItem(
          atPath: "\(maker.folder)/t0.\(kind)", toPath: "\(maker.folder)/t\(number).\(kind)")
      }
    }
    try Data("nothing".utf8).write(to: URL(fileURLWithPath: "\(maker.folder)/broken.pem"))
    let folder = try CertificateFolder(path: maker.folder)
    #expect(try folder.scan().isEmpty)
    #expect(folder.loaded.isEmpty)
    return folder
  }

  @Test func aLargeFolderIsLoadedByAThreadOfItsOwn() throws {
    let folder = try largeFolder()
    let waker = try Waker()
    let poller = try Events()
    #expect(poller.addListener(waker.descriptor, token: 1))
    defer { waker.close() }
    func isLoading(_ name: String) -> Bool {
      if case .loading = folder.lookup(name, waking: waker.descriptor) { true } else { false }
    }
    let finished = CertificateLoader.finished
    for name in ["t7", "broken"] {
      #expect(isLoading(name))
      while isLoading(name) {
        #expect(poller.wait(milliseconds: 5_000) == 1)
        waker.clear()
      }
    }
    #expect(CertificateLoader.finished >= finished + 2)
    #expect(folder.loaded.count == 1)
    guard case .found = folder.lookup("t7", waking: waker.descriptor) else { throw CocoaError(.fileNoSuchFile) }
    guard case .none = folder.lookup("broken", waking: waker.descriptor) else { throw CocoaError(.fileNoSuchFile) }
    guard case .none = folder.lookup("nobody", waking: waker.descriptor) else { throw CocoaError(.fileNoSuchFile) }
  }

  @Test func whatWasNotAskedForLongestIsLetGo() throws {
    let folder = try largeFolder()
    for number in 0...CertificateFolder.eager { #expect(choice(folder, "t\(number)") != nil) }
    #expect(folder.loaded.count == CertificateFolder.eager + 1 - (CertificateFolder.eager + 1) / 2)
    #expect(choice(folder, "t0") != nil)
  }

  @Test func aFolderThatIsNone() throws {
    #expect(throws: SystemError.self) { _ = try CertificateFolder(path: "\(maker.folder)/none") }
  }
}
