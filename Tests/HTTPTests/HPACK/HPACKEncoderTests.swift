import HTTP
import Testing

/// What is encoded is what is decoded.
struct HPACKEncoderTests {
  private func block(_ fields: [(String, String)], status: UInt16? = nil, encoder: inout HPACKEncoder) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, count in
      var place = encoder.begin(at: buffer.baseAddress!)
      if let status { place = encoder.status(status, to: place) }
      for (name, value) in fields {
        let (name, value) = (PaddedBytes(name), PaddedBytes(value))
        place = encoder.field(name.base, name.count, value.base, value.count, to: place)
      }
      count = place - buffer.baseAddress!
    }
  }

  @Test func statuses() {
    var encoder = HPACKEncoder()
    var decoder = HPACKDecoder(tableSize: 4096)
    for status in UInt16(100)...599 {
      let bytes = block([], status: status, encoder: &encoder)
      #expect(HPACKDecoderTests.decode(&decoder, bytes) == [":status: \(status)"])
    }
    #expect(block([], status: 200, encoder: &encoder) == hex("88"))
  }

  @Test func fieldsRoundTrip() {
    var encoder = HPACKEncoder()
    var decoder = HPACKDecoder(tableSize: 4096)
    var fields: [(String, String)] = []
    for index in 1...StaticTable.count {
      let name = String(decoding: StaticTable.shared.name(index), as: UTF8.self)
      let value = String(decoding: StaticTable.shared.value(index), as: UTF8.self)
      fields.append((name, value))
      fields.append((name.uppercased(), "\u{1}\u{2}~~{}{}\\"))
    }
    fields += [
      ("X", ""), ("X-Tenant_ID", "acme"), (String(repeating: "Ab-", count: 40), "long name"),
      ("value", String(repeating: "0", count: 5000)), ("raw", String(repeating: "\u{7F}", count: 300)), ("q[", "]"),
      (String(repeating: "N", count: 64), "a"), (String(repeating: "N", count: 65), "b"),
    ]
    let decoded = HPACKDecoderTests.decode(&decoder, block(fields, encoder: &encoder))
    #expect(decoded == fields.map { "\($0.0.lowercased()): \($0.1)" })
  }

  /// The first block empties the peer's table, so that no later change of its size has to be told.
  @Test func theTableIsGivenUpOnce() {
    var encoder = HPACKEncoder()
    #expect(block([], status: 200, encoder: &encoder) == hex("2088"))
    #expect(block([], status: 200, encoder: &encoder) == hex("88"))
    #expect(block([("content-type", "a")], encoder: &encoder) == hex("0f10 01 61"))
  }

  @Test func names() {
    let table = StaticTable.shared
    for index in 1...StaticTable.count {
      let name = table.name(index)
      let first = table.index(ofName: name.baseAddress!, name.count)
      #expect(first <= index && Array(table.name(first)) == Array(name))
    }
    #expect(table.index(ofName: PaddedBytes("x-tenant-id").base, 11) == 0)
  }
}
