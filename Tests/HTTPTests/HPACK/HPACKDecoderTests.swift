import HTTP
import Testing

/// Decoding of field blocks, with the vectors of RFC 7541 appendix C.2 to C.6.
struct HPACKDecoderTests {
  /// The fields of a block, `name: value`; nil when it is malformed.
  static func decode(_ decoder: inout HPACKDecoder, _ block: [UInt8], capacity: Int = 8192) -> [String]? {
    var fields: [String] = []
    let place = UnsafeMutablePointer<UInt8>.allocate(capacity: 8192)
    defer { place.deallocate() }
    return (block + [0xAA]).withUnsafeBufferPointer { buffer in
      decoder.begin(buffer.baseAddress!, block.count)
      while true {
        switch decoder.next(into: place, capacity: capacity) {
        case .field:
          let name = String(decoding: UnsafeBufferPointer(start: place, count: decoder.nameCount), as: UTF8.self)
          let value = UnsafeBufferPointer(start: place + decoder.nameCount + 2, count: decoder.valueCount)
          fields.append("\(name): \(String(decoding: value, as: UTF8.self))")
        case .tooLong: fields.append("too long")
        case .end: return fields
        case .malformed: return nil
        }
      }
    }
  }

  private func check(_ size: Int, _ blocks: [(String, [String])]) {
    var decoder = HPACKDecoder(tableSize: size)
    for (block, fields) in blocks { #expect(HPACKDecoderTests.decode(&decoder, hex(block)) == fields) }
  }

  @Test func literalsAndIndices() {
    check(
      4096,
      [
        (
          "400a637573746f6d2d6b65790d637573746f6d2d686561646572 be",
          ["custom-key: custom-header", "custom-key: custom-header"]
        )
      ])
    check(4096, [("040c2f73616d706c652f70617468", [":path: /sample/path"])])
    check(4096, [("100870617373776f726406736563726574", ["password: secret"])])
    check(4096, [("82", [":method: GET"])])
  }

  private static let firstRequest = [":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com"]
  private static let secondRequest = firstRequest + ["cache-control: no-cache"]
  private static let thirdRequest = [
    ":method: GET", ":scheme: https", ":path: /index.html", ":authority: www.example.com", "custom-key: custom-value",
  ]

  @Test func requestsWithoutHuffman() {
    check(
      4096,
      [
        ("828684410f7777772e6578616d706c652e636f6d", HPACKDecoderTests.firstRequest),
        ("828684be58086e6f2d6361636865", HPACKDecoderTests.secondRequest),
        ("828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565", HPACKDecoderTests.thirdRequest),
      ])
  }

  @Test func requestsWithHuffman() {
    check(
      4096,
      [
        ("828684418cf1e3c2e5f23a6ba0ab90f4ff", HPACKDecoderTests.firstRequest),
        ("828684be5886a8eb10649cbf", HPACKDecoderTests.secondRequest),
        ("828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf", HPACKDecoderTests.thirdRequest),
      ])
  }

  private static let location = "location: https://www.example.com"
  private static let responses = [
    [":status: 302", "cache-control: private", "date: Mon, 21 Oct 2013 20:13:21 GMT", location],
    [":status: 307", "cache-control: private", "date: Mon, 21 Oct 2013 20:13:21 GMT", location],
    [
      ":status: 200", "cache-control: private", "date: Mon, 21 Oct 2013 20:13:22 GMT", location,
      "content-encoding: gzip", "set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
    ],
  ]

  /// A table of 256 bytes: entries are evicted.
  @Test func responsesWithoutHuffman() {
    let blocks = [
      """
      4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d546e1768747470733a2f2f77
      77772e6578616d706c652e636f6d
      """,
      "4803333037c1c0bf",
      """
      88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f6f3d4153444a4b48514b425a
      584f5157454f50495541585157454f49553b206d61782d6167653d333630303b2076657273696f6e3d31
      """,
    ]
    check(256, Array(zip(blocks, HPACKDecoderTests.responses)))
  }

  @Test func responsesWithHuffman() {
    let blocks = [
      "488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3",
      "4883640effc1c0bf",
      """
      88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f36
      72c1ab270fb5291f9587316065c003ed4ee5b1063d5007
      """,
    ]
    check(256, Array(zip(blocks, HPACKDecoderTests.responses)))
  }

  /// Index 0, indices beyond both tables, strings cut off, size updates too large, too late.
  @Test(arguments: [
    "80", "be", "ff00", "7f00", "0f", "00", "0001", "000161", "00016105 6262", "3fe21f", "82 20", "40", "00 0161 82",
    "7e0161", "ffffffffff0f", "3fe1ffffffff0f", "00 83ffffff 00",
  ])
  func malformed(block: String) {
    var decoder = HPACKDecoder(tableSize: 4096)
    #expect(HPACKDecoderTests.decode(&decoder, hex(block)) == nil)
  }

  @Test func sizeUpdatesComeFirst() {
    var decoder = HPACKDecoder(tableSize: 4096)
    let insert = "4001610162"
    #expect(HPACKDecoderTests.decode(&decoder, hex(insert + "be")) == ["a: b", "a: b"])
    // Down to nothing and up again: what was in the table is gone.
    #expect(HPACKDecoderTests.decode(&decoder, hex("20 3fe11f be")) == nil)
    decoder = HPACKDecoder(tableSize: 4096)
    #expect(HPACKDecoderTests.decode(&decoder, hex("3fe11f" + insert + "be")) == ["a: b", "a: b"])
    #expect(HPACKDecoderTests.decode(&decoder, hex("20" + insert)) == ["a: b"])
    #expect(HPACKDecoderTests.decode(&decoder, hex("be")) == nil)
  }

  /// An entry whose name is that of the entry it evicts.
  @Test func nameOfAnEvictedEntry() {
    var decoder = HPACKDecoder(tableSize: 40)
    #expect(HPACKDecoderTests.decode(&decoder, hex("40 04 61626364 04 31323334")) == ["abcd: 1234"])
    #expect(HPACKDecoderTests.decode(&decoder, hex("7e 04 35363738 be")) == ["abcd: 5678", "abcd: 5678"])
    // Larger than the table: it only empties it.
    #expect(HPACKDecoderTests.decode(&decoder, hex("7e 05 3536373839")) == ["abcd: 56789"])
    #expect(HPACKDecoderTests.decode(&decoder, hex("be")) == nil)
  }

  @Test func tooLongStaysInStep() {
    var decoder = HPACKDecoder(tableSize: 64)
    let long = "40 01 61 7f8101" + String(repeating: "62", count: 256)
    #expect(
      HPACKDecoderTests.decode(&decoder, hex("4001630164" + long + "4001650166 be"), capacity: 128)
        == ["c: d", "too long", "e: f", "e: f"])
    #expect(HPACKDecoderTests.decode(&decoder, hex("bf")) == nil)
  }

  /// Thousands of entries come and go; indices find what was inserted, as a model says.
  @Test func manyEntries() {
    var decoder = HPACKDecoder(tableSize: 300)
    var model: [(String, Int)] = []
    for number in 0..<3000 {
      let value = String(repeating: "v", count: number % 50) + "\(number)"
      let block = [0x40, 1, 0x6E, UInt8(value.utf8.count)] + Array(value.utf8)
      #expect(HPACKDecoderTests.decode(&decoder, block) == ["n: \(value)"])
      model.insert(("n: \(value)", 33 + value.utf8.count), at: 0)
      while model.reduce(0, { $0 + $1.1 }) > 300 { model.removeLast() }
      for (age, entry) in model.enumerated() {
        #expect(HPACKDecoderTests.decode(&decoder, [0x80 | UInt8(62 + age)]) == [entry.0])
      }
      #expect(HPACKDecoderTests.decode(&decoder, [0x80 | UInt8(62 + model.count)]) == nil)
    }
  }
}
