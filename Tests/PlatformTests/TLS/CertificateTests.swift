import Foundation
import Platform
import Testing

@testable import Platform

@Suite struct CertificateTests {
  private let maker: CertificateMaker

  init() throws { maker = try CertificateMaker() }

  @Test func whatItIsGoodFor() throws {
    let certificate = try maker.certificate("A.example", "*.b.example")
    #expect(certificate.names == ["a.example", "*.b.example"])
    let days = Double(certificate.expiry - certificate.start) / 86_400
    #expect((29.9...30.1).contains(days))
    #expect(abs(Double(certificate.start) - Date().timeIntervalSince1970) < 3_600)
    #expect(try maker.certificate().names == ["common.example"])
  }

  @Test func whatCanNotBeUsed() throws {
    let (chain, key) = try maker.make("a.example")
    let other = try maker.make("a.example", file: "other")
    try maker.openssl([
      "ec", "-in", "\(maker.folder)/made.key", "-aes128", "-passout", "pass:x", "-out", "\(maker.folder)/locked.key",
    ])
    let locked = try maker.read("locked.key")
    let text = String(decoding: key, as: UTF8.self)
    let broken = Array(text.replacingOccurrences(of: "M", with: "N").utf8)
    let rows: [([UInt8], [UInt8], TLSFault)] = [
      ([], key, .noCertificate), (key, key, .noCertificate), (Array("x".utf8), key, .noCertificate),
      (chain, [], .noKey), (chain, chain, .noKey), (chain, other.key, .mismatch), (chain, locked, .encryptedKey),
      (chain, broken, .badKey), (Array(chain.dropLast(40)), key, .badCertificate(index: 1)),
      (chain + Array(chain.dropLast(40)), key, .badCertificate(index: 2)),
    ]
    for (chain, key, fault) in rows {
      #expect(throws: fault) { try Certificate(chain: chain, key: key) }
    }
  }

  @Test func aWeakKeyIsRefused() throws {
    try maker.openssl([
      "req", "-x509", "-newkey", "rsa:1024", "-nodes", "-keyout", "\(maker.folder)/w.key", "-out",
      "\(maker.folder)/w.pem", "-subj", "/CN=w",
    ])
    #expect(throws: TLSFault.refused("ee key too small")) {
      try Certificate(chain: try maker.read("w.pem"), key: try maker.read("w.key"))
    }
  }

  @Test func theTableKnowsNames() throws {
    let first = try maker.certificate("a.example", "*.a.example")
    let exact = try maker.certificate("x.a.example")
    let rsa = try maker.certificate("x.a.example", isRSA: true)
    let late = try maker.certificate("x.a.example")
    var table = CertificateTable()
    #expect(table.fallback.isEmpty)
    for certificate in [first, exact, rsa, late] { table.add(certificate) }
    func found(_ name: String) -> [ObjectIdentifier]? { table.choice(for: name)?.map { ObjectIdentifier($0) } }
    let ids = [first, exact, rsa].map { ObjectIdentifier($0) }
    #expect(found("a.example") == [ids[0]])
    #expect(found("y.a.example") == [ids[0]])
    #expect(found("x.a.example") == [ids[1], ids[2]])
    #expect(found("z.y.a.example") == nil)
    #expect(found("example") == nil)
    #expect(found("") == nil)
    #expect(table.fallback.map { ObjectIdentifier($0) } == [ids[0]])
  }

  @Test func ticketKeysOfAFile() throws {
    for count in [0, 1, 79, 81, 80 * 17] {
      #expect(throws: TLSFault.badTicketKeys) { try TicketKeys(file: [UInt8](repeating: 1, count: count)) }
    }
    let keys = try TicketKeys(file: [UInt8](repeating: 1, count: 80) + [UInt8](repeating: 2, count: 80))
    #expect(keys.current().name == [UInt8](repeating: 1, count: 16))
    for (byte, isCurrent) in [(UInt8(1), true), (2, false)] {
      [UInt8](repeating: byte, count: 16).withUnsafeBufferPointer { name in
        #expect(keys.key(named: name)?.isCurrent == isCurrent)
        #expect(keys.key(named: name)?.key.cipher == [UInt8](repeating: byte, count: 32))
      }
    }
    [UInt8](repeating: 3, count: 16).withUnsafeBufferPointer { #expect(keys.key(named: $0) == nil) }
  }

  @Test func keysMadeInMemoryStayAWhile() {
    let keys = TicketKeys()
    let first = keys.current()
    #expect(first.name == keys.current().name)
    #expect(first.seal.count == 32 && first.cipher.count == 32)
    #expect(TicketKeys().current().name != first.name)
  }
}
