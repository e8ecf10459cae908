import Primitives
import Testing

@Suite struct CertificateNamesTests {
  private func append(_ kind: CertificateNames.Kind, _ text: [UInt8], to bytes: inout [UInt8]) {
    text.withUnsafeBufferPointer { CertificateNames.append(kind, $0, to: &bytes) }
  }

  @Test func namesComeInTheirOrder() {
    var bytes: [UInt8] = []
    append(.uri, Array("a://b".utf8), to: &bytes)
    append(.dns, [], to: &bytes)
    append(.subject, [UInt8](repeating: 0x61, count: 300), to: &bytes)
    bytes.withUnsafeBufferPointer { bytes in
      let names = CertificateNames(bytes.baseAddress, count: bytes.count).all
      #expect(names.map(\.kind) == [.uri, .subject])
      #expect(names[0].text == "a://b" && names[1].text.count == 300)
    }
    #expect(CertificateNames.none.isEmpty && CertificateNames.none.all.isEmpty)
  }

  @Test func thereIsABound() {
    var bytes: [UInt8] = []
    for _ in 0..<10_000 { append(.dns, Array("name.example".utf8), to: &bytes) }
    #expect(bytes.count <= CertificateNames.mostBytes)
    append(.uri, [UInt8](repeating: 0x61, count: 5_000), to: &bytes)
    #expect(bytes.count <= CertificateNames.mostBytes)
  }

  @Test func whatIsCutIsNoName() {
    var bytes: [UInt8] = []
    append(.uri, Array("abc".utf8), to: &bytes)
    for count in 0..<bytes.count {
      bytes.withUnsafeBufferPointer { #expect(CertificateNames($0.baseAddress, count: count).all.isEmpty) }
    }
    bytes[0] = 99
    bytes.withUnsafeBufferPointer { #expect(CertificateNames($0.baseAddress, count: $0.count).all.isEmpty) }
  }
}
