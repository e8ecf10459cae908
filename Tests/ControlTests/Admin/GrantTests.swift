import Foundation
import Testing

@testable import Control

@Suite struct GrantTests {
  private let directory = TestDirectory()

  private func grant(
    _ token: GrantToken, _ role: AdminRole = .viewer, tenants: [String]? = nil, until: Int64? = nil, seal: Int64? = nil
  ) -> Grant {
    Grant(
      id: token.id, role: role, tenants: tenants, until: until, reason: "test", created: 1, actor: "uid:0",
      digest: token.digest, seal: seal)
  }

  private func verdict(_ book: GrantBook, _ text: String, at now: Int64) throws -> String {
    guard let token = GrantToken(text) else { return "none" }
    return switch try book.admit(token, at: now) {
    case .unknown: "unknown"
    case .expired: "expired"
    case .granted(let grant, let isOpening): "\(grant.role.rawValue)\(isOpening ? ", opening" : "")"
    }
  }

  @Test func aTokenIsGoodUntilItEndsOrIsTakenBack() throws {
    let token = GrantToken()
    let book = try GrantBook(folder: directory.path)
    #expect(try verdict(book, token.text, at: 5) == "unknown")
    #expect(try book.add(grant(token, .support, until: 100), at: 5))
    #expect(try verdict(book, token.text, at: 99) == "support")
    #expect(try verdict(book, token.text, at: 100) == "expired")
    #expect(try verdict(book, token.text.dropLast() + "x", at: 5) == "unknown")
    #expect(try book.revoke(token.id)?.id == token.id)
    #expect(try book.revoke(token.id) == nil)
    #expect(try verdict(book, token.text, at: 5) == "unknown")
  }

  @Test func whatIsKeptOutlivesTheProcessAndHoldsNoToken() throws {
    let (token, gone) = (GrantToken(), GrantToken())
    do {
      let book = try GrantBook(folder: directory.path)
      _ = try book.add(grant(token, .operator), at: 5)
      _ = try book.add(grant(gone), at: 5)
      _ = try book.revoke(gone.id)
    }
    let book = try GrantBook(folder: directory.path)
    #expect(try verdict(book, token.text, at: 5) == "operator")
    #expect(try verdict(book, gone.text, at: 5) == "unknown")
    let secret = token.text.split(separator: "_")[2]
    for name in directory.names {
      let bytes = try Data(contentsOf: URL(fileURLWithPath: "\(directory.path)/\(name)"))
      #expect(!String(decoding: bytes, as: UTF8.self).contains(secret))
    }
  }

  @Test func aSealedTokenEndsAfterItsFirstUse() throws {
    let token = GrantToken()
    do {
      let book = try GrantBook(folder: directory.path)
      _ = try book.add(grant(token, .admin, seal: 60), at: 5)
      #expect(GrantAnswer(book.all[0], at: 5).state == "sealed")
      #expect(book.breakGlass(at: 5) == (0, 0))
      #expect(try verdict(book, token.text, at: 1000) == "admin, opening")
      #expect(try verdict(book, token.text, at: 1059) == "admin")
      #expect(book.breakGlass(at: 1059) == (1, 1))
    }
    let book = try GrantBook(folder: directory.path)
    #expect(try verdict(book, token.text, at: 1059) == "admin")
    #expect(try verdict(book, token.text, at: 1060) == "expired")
    #expect(book.breakGlass(at: 1060) == (0, 0))
  }

  @Test(arguments: [
    "", "x", "ght_", "ght__x", "ght_a", "ght_a_b_c", "GHT_a_b", String(repeating: "ght_a_b", count: 100),
  ])
  func whatIsNoTokenIsNone(text: String) {
    #expect(GrantToken(text) == nil)
  }

  @Test func tokensDiffer() {
    let tokens = (0..<100).map { _ in GrantToken() }
    #expect(Set(tokens.map(\.text)).count == 100)
    #expect(tokens.allSatisfy { GrantToken($0.text)?.id == $0.id && $0.text.split(separator: "_")[2].count == 64 })
  }
}
