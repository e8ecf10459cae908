import Engine
import Foundation
import Primitives
import Telemetry
import Testing

@Suite struct AccessLogFormatterTests {
  @Test func jsonInFull() {
    #expect(
      SampleRecord.full.text(.json) == """
        {"time":"2026-11-24T04:31:13.012Z","request_id":"0af7651916cd43dd","tenant":"acme","tenant_source":"host",\
        "plan":"gold","shard":"eu-1","epoch":7,"backend":"10.2.0.11:8080","client":"203.0.113.9","method":"GET",\
        "host":"app.acme.example","path":"/orders?page=2","protocol":"HTTP/1.1","status":200,"code":"rate_limited",\
        "bytes_in":431,"bytes_out":18446744073709551615,"duration_ms":12.345,"queue_ms":1.000,"connect_ms":0.250,\
        "first_byte_ms":9.001,"attempts":1,"limit":"requests","affinity":"kept","user_agent":"curl/8.5 (x; y=1)",\
        "referer":"https://acme.example/"}

        """)
  }

  @Test func logfmtInFull() {
    #expect(
      SampleRecord.full.text(.logfmt) == """
        time=2026-11-24T04:31:13.012Z request_id=0af7651916cd43dd tenant=acme tenant_source=host plan=gold shard=eu-1 \
        epoch=7 backend=10.2.0.11:8080 client=203.0.113.9 method=GET host=app.acme.example path="/orders?page=2" \
        protocol=HTTP/1.1 status=200 code=rate_limited bytes_in=431 bytes_out=18446744073709551615 duration_ms=12.345 \
        queue_ms=1.000 connect_ms=0.250 first_byte_ms=9.001 attempts=1 limit=requests affinity=kept \
        user_agent="curl/8.5 (x; y=1)" referer=https://acme.example/

        """)
  }

  @Test func combinedInFull() {
    #expect(
      SampleRecord.full.text(.combined) == """
        203.0.113.9 - - [24/Nov/2026:04:31:13 +0000] "GET /orders?page=2 HTTP/1.1" 200 18446744073709551615 \
        "https://acme.example/" "curl/8.5 (x; y=1)"

        """)
  }

  @Test func absentFactsAreLeftOut() {
    let bare = SampleRecord.bare
    #expect(
      bare.text(.json)
        == "{\"time\":\"1970-01-01T00:00:00.000Z\",\"bytes_in\":0,\"bytes_out\":0,\"duration_ms\":0.000,\"attempts\":0}\n"
    )
    #expect(
      bare.text(.logfmt) == "time=1970-01-01T00:00:00.000Z bytes_in=0 bytes_out=0 duration_ms=0.000 attempts=0\n")
    #expect(bare.text(.combined) == "unix: - - [01/Jan/1970:00:00:00 +0000] \"-\" 499 0 \"-\" \"-\"\n")
  }

  @Test func theOldProtocolIsNamed() {
    var sample = SampleRecord.full
    sample.record.minorVersion = 0
    #expect(sample.text(.json).contains("\"protocol\":\"HTTP/1.0\""))
    #expect(sample.text(.logfmt).contains(" protocol=HTTP/1.0 "))
    #expect(sample.text(.combined).contains(" HTTP/1.0\" 200 "))
  }

  /// A hostile path, what JSON and logfmt write between the quotes, and what combined writes.
  @Test(arguments: [
    ("a\"b\\c", #"a\"b\\c"#, #"a\x22b\x5Cc"#),
    ("x\r\n{\"tenant\":\"evil\"}", #"x\r\n{\"tenant\":\"evil\"}"#, #"x\x0D\x0A{\x22tenant\x22:\x22evil\x22}"#),
    ("\u{0}\u{1}\u{8}\u{1F}\u{7F}\t", #"\u0000\u0001\u0008\u001f\u007f\t"#, #"\x00\x01\x08\x1F\x7F\x09"#),
    ("\u{1B}[31mred", #"\u001b[31mred"#, #"\x1B[31mred"#),
    ("\u{9B}31m \u{85} \u{A0}", "\\u009b31m \\u0085 \u{A0}", #"\xC2\x9B31m \xC2\x85 \xC2\xA0"#),
    ("/grüße/日本/🐘", "/grüße/日本/🐘", #"/gr\xC3\xBC\xC3\x9Fe/\xE6\x97\xA5\xE6\x9C\xAC/\xF0\x9F\x90\x98"#),
    ("12345678\"12345678", #"12345678\"12345678"#, #"12345678\x2212345678"#),
  ])
  func hostileTextIsEscaped(path: String, quoted: String, combined: String) throws {
    var sample = SampleRecord.full
    sample.texts[.path] = Array(path.utf8)
    #expect(sample.text(.json).contains(",\"path\":\"\(quoted)\",\"protocol\":"))
    #expect(sample.text(.logfmt).contains(" path=\"\(quoted)\" protocol="))
    #expect(sample.text(.combined).contains(" \"GET \(combined) HTTP/1.1\" "))
    #expect(try parsed(sample.line(.json))["path"] as? String == path)
  }

  @Test(arguments: [
    ([0xFF], "\\xff"), ([0x61, 0x80, 0x62], "a\\x80b"), ([0xC0, 0xAF], "\\xc0\\xaf"), ([0xC1, 0x81], "\\xc1\\x81"),
    ([0xE0, 0x80, 0x80], "\\xe0\\x80\\x80"), ([0xED, 0xA0, 0x80], "\\xed\\xa0\\x80"),
    ([0xF0, 0x80, 0x80, 0x80], "\\xf0\\x80\\x80\\x80"),
    ([0xF4, 0x90, 0x80, 0x80], "\\xf4\\x90\\x80\\x80"), ([0xF5, 0x80], "\\xf5\\x80"), ([0xE2, 0x82], "\\xe2\\x82"),
    ([0xE2, 0x82, 0x41], "\\xe2\\x82A"), ([0xF0, 0x9F, 0x90], "\\xf0\\x9f\\x90"), ([0xC3], "\\xc3"),
    ([0xC3, 0x22], "\\xc3\""), ([0xE2, 0x82, 0xAC], "€"), ([0xF4, 0x8F, 0xBF, 0xBF], "\u{10FFFF}"),
    ([0xED, 0x9F, 0xBF], "\u{D7FF}"),
  ])
  func brokenUTF8IsShown(bytes: [UInt8], shown: String) throws {
    var sample = SampleRecord.full
    sample.texts[.userAgent] = bytes
    #expect(try parsed(sample.line(.json))["user_agent"] as? String == shown)
  }

  @Test func everyByteMakesOneLineOfCleanJSON() throws {
    for length in [1, 2, 8, 9, 17] {
      for byte in UInt8.min...UInt8.max {
        for place in 0..<length {
          var sample = SampleRecord.bare
          var text = [UInt8](repeating: 0x61, count: length)
          text[place] = byte
          sample.texts[.host] = text
          for format in AccessLogFormat.allCases {
            let line = sample.line(format)
            let isClean = line.dropLast().allSatisfy { $0 >= 0x20 && $0 != 0x7F } && line.last == 0x0A
            #expect(isClean && String(validating: line, as: UTF8.self) != nil, "\(byte) at \(place) of \(length)")
          }
          let host = try #require(try parsed(sample.line(.json))["host"] as? String)
          #expect(byte >= 0x80 ? host.utf8.count == length + 3 : Array(host.utf8) == text)
        }
      }
    }
  }

  @Test func randomBytesMakeCleanLines() throws {
    var random = SeededRandom(seed: 77)
    for _ in 0..<3_000 {
      var sample = SampleRecord.full
      for text in AccessText.allCases {
        sample.texts[text] = (0..<random.below(40)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
      }
      let json = sample.line(.json)
      _ = try parsed(json)
      for line in [json, sample.line(.logfmt), sample.line(.combined)] {
        #expect(line.firstIndex(of: 0x0A) == line.count - 1)
        #expect(String(validating: line, as: UTF8.self)?.unicodeScalars.dropLast().contains { isControl($0) } == false)
      }
    }
  }

  @Test func longTextsAreCut() throws {
    var sample = SampleRecord.full
    for text in AccessText.allCases { sample.texts[text] = [UInt8](repeating: 1, count: 100_000) }
    for format in AccessLogFormat.allCases {
      #expect(sample.line(format).count < 6 * AccessLogFormatter.textBound * AccessText.allCases.count + 2_048)
    }
    let path = try #require(try parsed(sample.line(.json))["path"] as? String)
    #expect(path.utf8.count == AccessLogFormatter.textBound)
  }

  @Test func aCharacterThatIsCutIsShownAsBytes() throws {
    var sample = SampleRecord.full
    sample.texts[.path] = [UInt8](repeating: 0x61, count: AccessLogFormatter.textBound - 1) + Array("é".utf8)
    let path = try #require(try parsed(sample.line(.json))["path"] as? String)
    #expect(path.hasSuffix("aa\\xc3"))
  }

  @Test func linesFollowOneAnother() {
    var formatter = AccessLogFormatter(format: .combined)
    var lines = Array("before\n".utf8)
    SampleRecord.bare.append(to: &lines, &formatter)
    SampleRecord.full.append(to: &lines, &formatter)
    SampleRecord.bare.append(to: &lines, &formatter)
    let expected = "before\n" + SampleRecord.bare.text(.combined) + SampleRecord.full.text(.combined)
    #expect(String(decoding: lines, as: UTF8.self) == expected + SampleRecord.bare.text(.combined))
  }

  private func parsed(_ line: [UInt8]) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(line)) as? [String: Any])
  }

  private func isControl(_ scalar: Unicode.Scalar) -> Bool {
    scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
  }
}
