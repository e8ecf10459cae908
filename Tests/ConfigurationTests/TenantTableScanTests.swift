import Glibc
import Primitives
import Tenancy
import Testing

@testable import Configuration

/// What a table says about one tenant, in a form that can be compared.
private struct Row: Equatable {
  var number: Int
  var id: String
  var plan = -1
  var home = -1
  var epoch: Int64 = -1
  var hosts: [String] = []
  var state = TenantState.active
  var rate: TableNumber.Rate?
  var concurrency: Int32 = -1
}

/// Runs a scan over text in a file that is gone at once.
private func scan(_ bytes: [UInt8], refusing: String? = nil) -> (rows: [Row], diagnostics: [TableDiagnostic]) {
  let file = TableFixture.file(bytes)
  var scan = TableScan(file: file, plans: ["gold": 3, "free": 0], shards: ["eu-1": 0, "eu-2": 1, "us-1": 2])
  var rows: [Row] = []
  scan.run { parser, number, text, faults in
    let line = parser.line
    let id = UnsafeBufferPointer(start: text + Int(line.id.start), count: line.id.count)
    var row = Row(number: number, id: String(decoding: id, as: UTF8.self))
    row.plan = Int(line.plan)
    row.home = Int(line.home)
    row.epoch = line.epoch
    row.state = line.state
    row.rate = line.hasRate ? line.rate : nil
    row.concurrency = line.concurrency
    row.hosts = (0..<parser.hosts.count).map { index in
      let range = parser.hosts.ranges[index]
      let host = UnsafeBufferPointer(start: parser.hosts.bytes + Int(range.start), count: range.count)
      return String(decoding: host, as: UTF8.self)
    }
    rows.append(row)
    guard let refused = refusing.flatMap({ row.hosts.firstIndex(of: $0) }) else { return }
    faults.append(TableFault(range: parser.range(ofHost: refused, text), message: "refused"))
  }
  return (rows, scan.diagnostics.all)
}

private func scan(_ text: String) -> (rows: [Row], diagnostics: [TableDiagnostic]) { scan(Array(text.utf8)) }

@Suite struct TenantTableScanTests {
  @Test func aFullLineIsRead() {
    let line =
      "acme plan=gold home=eu-2 epoch=7 host=App.Acme.Example.,*.acme.example state=suspended "
      + "requests=50/s+100 concurrency=9"
    let expected = Row(
      number: 1, id: "acme", plan: 3, home: 1, epoch: 7, hosts: ["app.acme.example", "*.acme.example"],
      state: .suspended, rate: TableNumber.Rate(count: 50, period: .second, burst: 100), concurrency: 9)
    for text in [line, line + "\n", line + "\r\n", "  " + line.replacing(" ", with: " \t ") + "\t# x", line + " #\n\n"]
    {
      let result = scan(text)
      #expect(result.rows == [expected])
      #expect(result.diagnostics.isEmpty)
    }
  }

  @Test func commentsAndBlanksDeclareNothing() {
    let result = scan("# täst\n\n   \n\t# x=y\na\n#b\n  c  \n")
    #expect(result.rows == [Row(number: 5, id: "a"), Row(number: 7, id: "c")])
    #expect(result.diagnostics.isEmpty)
  }

  @Test func anEmptyTableIsFine() {
    #expect(scan("").rows.isEmpty)
    #expect(scan("").diagnostics.isEmpty)
  }

  @Test(
    arguments: [
      ("1/s", 1, Int64.second, 1), ("50/s+100", 50, .second, 100), ("600/m", 600, 60 * .second, 600),
      ("5/10s+1", 5, 10 * .second, 1), ("3/250ms", 3, 250 * .millisecond, 3), ("7/h+8", 7, 3600 * .second, 8),
      ("9/1d", 9, 86_400 * .second, 9), ("1000000000/ms+1000000000", 1_000_000_000, .millisecond, 1_000_000_000),
    ] as [(String, Int64, Int64, Int64)])
  func ratesAreRead(text: String, count: Int64, period: Int64, burst: Int64) {
    let rate = TableNumber.Rate(count: count, period: period, burst: burst)
    #expect(scan("a requests=\(text)").rows.first?.rate == rate)
  }

  @Test(arguments: [
    "50", "50/", "/s", "0/s", "-1/s", "+1/s", "50/x", "50/0s", "50/s+", "50/s+0", "50/s+x", "50/s+1+1", "50/s ",
    "50/mss",
    "50/32d", "1000000001/s", "50/s+1000000001", "5 0/s", "50/99999999999999999999s", "1.5/s",
  ])
  func otherRatesAreRefused(text: String) {
    let word = text.split(separator: " ").first.map(String.init) ?? ""
    let result = scan("a requests=\(text)")
    #expect(result.diagnostics.isEmpty == (word == "50/s"))
  }

  /// Line, column, length, what the message starts with, the suggestion.
  @Test(
    arguments: [
      ("acme pln=gold", 6, 3, "unknown key 'pln'", "did you mean 'plan'?"),
      ("acme colour=red", 6, 6, "unknown key 'colour'", nil),
      ("acme =red", 6, 1, "unknown key ''", nil),
      ("acme gold", 6, 4, "expected 'key=value', found 'gold'", nil),
      ("acme plam", 6, 4, "expected 'key=value', found 'plam'", "did you mean 'plan'?"),
      ("acme plan", 6, 4, "'plan' needs a value: 'plan=…'", nil),
      ("acme plan= home=eu-1", 6, 4, "'plan' needs a value: 'plan=…'", nil),
      ("acme plan=gold plan=gold", 16, 4, "'plan' is given twice in this line", nil),
      ("acme plan=glod", 11, 4, "unknown plan 'glod'", "did you mean 'gold'?"),
      ("acme plan=fre", 11, 3, "unknown plan 'fre'", "did you mean 'free'?"),
      ("acme home=us-01", 11, 5, "unknown shard 'us-01'", "did you mean 'us-1'?"),
      ("acme epoch=-1", 12, 2, "an epoch is a whole number", nil),
      ("acme epoch=9223372036854775808", 12, 19, "an epoch is a whole number", nil),
      ("acme state=suspend", 12, 7, "a state is one of active, suspended,", "did you mean 'suspended'?"),
      ("acme state=on", 12, 2, "a state is one of active, suspended,", nil),
      ("acme requests=50", 15, 2, "a rate is written", nil),
      ("acme concurrency=many", 18, 4, "'concurrency' is a whole number", nil),
      ("acme concurrency=0", 18, 1, "'concurrency' is a whole number from 1 to 1000000", nil),
      ("acme concurrency=1000001", 18, 7, "'concurrency' is a whole number from 1", nil),
      ("acme host=a.example,,b.example", 21, 1, "a host is missing here", nil),
      ("acme host=a.example,", 21, 1, "a host is missing here", nil),
      ("acme host=*", 11, 1, "'*' alone would take every host", nil),
      ("acme host=a.example,a.*.b", 21, 5, "'*' may only stand first", nil),
      ("acme host=*a.b", 11, 4, "'*' may only stand first", nil),
      ("acme host=a.example:80", 11, 12, "a host is a name without scheme or port", nil),
      ("acme host=http://a", 11, 8, "a host is a name without scheme or port", nil),
      ("acme host=käse.example", 11, 12, "a host is written in ASCII", nil),
      ("acme host=a/b", 11, 3, "a host has letters", nil),
      ("acme host=a..b", 11, 4, "the parts of a host", nil),
      ("acme host=-a.b", 11, 4, "the parts of a host", nil),
      ("acme host=a-.b", 11, 4, "the parts of a host", nil),
      ("acme host=.", 11, 1, "the parts of a host", nil),
      ("plan=gold host=a", 1, 9, "a line starts with the tenant's id", nil),
      ("-acme", 1, 5, "a tenant's id starts with", nil),
      ("ac/me plan=gold", 1, 5, "a tenant's id starts with", nil),
      ("ac\u{1}me plan=glod", 3, 1, "control byte 0x01", nil),
      ("# a\u{7F}", 4, 1, "control byte 0x7F", nil),
      ("acme plan=gold\r # x", 15, 1, "control byte 0x0D", nil),
      ("acme plän=x home=eu-3", 6, 4, "unknown key 'plän'", nil),
    ] as [(String, Int, Int, String, String?)])
  func aFaultHasItsPlaceAndWords(text: String, column: Int, length: Int, message: String, suggestion: String?) throws {
    let fault = try #require(scan("# first\n\(text)\n").diagnostics.first)
    #expect(fault.line == 2)
    #expect(fault.column == column)
    #expect(fault.length == length)
    #expect(fault.message.hasPrefix(message))
    #expect(fault.suggestion == suggestion)
  }

  @Test func allFaultsOfALineAreTold() {
    let result = scan("acme pln=gold home=eu-9 state=x host=a..b,ok.example,c:1")
    #expect(result.diagnostics.map(\.column) == [6, 20, 31, 38, 54])
    #expect(result.rows.map(\.hosts) == [["ok.example"]])
  }

  @Test func theTextIsFitToBeShown() {
    let result = scan(Array("ab".utf8) + [0x1B, 0xFF] + Array("cd".utf8))
    #expect(result.diagnostics.map(\.text) == ["ab\u{FFFD}\u{FFFD}cd"])
    #expect(result.diagnostics.map(\.message) == ["control byte 0x1B"])
  }

  @Test(
    arguments: [
      [0xFF], [0xC0, 0x80], [0xE0, 0x80, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xE2, 0x82], [0x80],
    ] as [[UInt8]])
  func whatIsNotUTF8IsRefused(bytes: [UInt8]) throws {
    let inComment = try #require(scan(Array("# ".utf8) + bytes).diagnostics.first)
    #expect(inComment.column == 3)
    #expect(inComment.message == "byte 0x\(String(bytes[0], radix: 16, uppercase: true)) is not UTF-8")
    let inValue = try #require(scan(Array("a plan=x".utf8) + bytes).diagnostics.first)
    #expect(inValue.column == 9)
  }

  @Test func theFirstTwentyAreToldAndTheOthersCounted() {
    let result = scan(String(repeating: "a plan=x\n", count: 1234))
    #expect(result.diagnostics.count == 21)
    #expect(result.diagnostics[19].line == 20)
    #expect(result.diagnostics[20].line == 0)
    #expect(result.diagnostics[20].message == "1214 more errors in this table")
    #expect(scan(String(repeating: "a plan=x\n", count: 20)).diagnostics.count == 20)
    #expect(scan(String(repeating: "a plan=x\n", count: 21)).diagnostics.last?.message == "1 more error in this table")
  }

  @Test func anAddedRefusalStandsAtItsHost() {
    let result = scan(Array("a host=x.example,Y.example,z.example state=active".utf8), refusing: "y.example")
    #expect(result.diagnostics.map(\.column) == [18])
    #expect(result.diagnostics.map(\.length) == [9])
  }

  @Test(arguments: [1, 64, 65]) func anIDHasItsBound(count: Int) {
    #expect(scan(String(repeating: "x", count: count)).diagnostics.isEmpty == (count <= 64))
  }

  @Test func labelsAndHostsHaveTheirBounds() {
    let label = String(repeating: "a", count: 63)
    let longest = [label, label, label, String(repeating: "b", count: 61)].joined(separator: ".")
    for good in [label, longest, longest + ".", "*." + longest, "_x.a-b.c", "127.0.0.1"] {
      #expect(scan("a host=\(good)").diagnostics.isEmpty)
    }
    for bad in [label + "a", longest + "b", "*." + longest + "b", "*..a"] {
      #expect(scan("a host=\(bad)").diagnostics.count == 1)
    }
  }
}

@Suite struct TenantTableLinesTests {
  @Test(arguments: [-1, 0, 1, 2])
  func lineBoundIsExact(more: Int) {
    let long = "a #" + String(repeating: "x", count: TableLines.lineBound - 3 + more)
    for end in ["", "\n", "\r\n"] {
      for before in [0, 1, TableLines.chunk - 7, TableLines.chunk + TableLines.lineBound - 5] {
        let text = before == 0 ? "" : "#" + String(repeating: "y\n#", count: before / 3)
        let result = scan(text + "\n" + long + end + (end.isEmpty ? "" : "b\n"))
        #expect(result.diagnostics.map(\.message) == (more > 0 ? ["a line has at most 64 KiB"] : []))
        #expect(result.rows.map(\.id) == (more > 0 ? [] : ["a"]) + (end.isEmpty ? [] : ["b"]))
        if more > 0 { #expect(result.diagnostics[0].line == before / 3 + 2) }
      }
    }
  }

  @Test func aLineOfManyChunksIsOneFault() {
    let result = scan("a\n" + String(repeating: "x", count: 3 * TableLines.chunk) + "\nb plan=x\nc")
    #expect(result.diagnostics.map(\.line) == [2, 3])
    #expect(result.diagnostics[0].text.unicodeScalars.count == 65)
    #expect(result.rows.map(\.id) == ["a", "b", "c"])
    #expect(scan(String(repeating: "x", count: 3 * TableLines.chunk)).diagnostics.count == 1)
  }

  @Test func linesMayStraddleChunksAnywhere() {
    for shift in 0..<40 {
      let padding = "#" + String(repeating: "p", count: TableLines.chunk - 20 - shift) + "\n"
      let result = scan(padding.dropFirst(0) + "acme plan=gold host=a.example\nnext home=us-1\n")
      #expect(result.diagnostics.map(\.message) == ["a line has at most 64 KiB"])
      #expect(result.rows.map(\.id) == ["acme", "next"])
    }
    let comments = String(repeating: "#" + String(repeating: "p", count: 60) + "\n", count: 4227)
    for shift in 0..<62 {
      let result = scan(comments.dropLast(shift + 1) + "\nacme plan=gold host=a.example\nnext home=us-1\n")
      #expect(result.diagnostics.isEmpty)
      #expect(result.rows.map(\.home) == [-1, 2])
      #expect(result.rows.map(\.number) == [4228, 4229])
    }
  }
}
