import HTTP
import Primitives
import Testing

struct FieldNameTests {
  private func identify(_ name: String) -> FieldName {
    let bytes = latin(name)
    return bytes.withUnsafeBufferPointer { buffer in
      buffer.baseAddress.map { FieldName.identify($0, buffer.count) } ?? .other
    }
  }

  @Test(arguments: FieldName.allCases) func everyNameInEveryCase(name: FieldName) {
    let text = name.text.description
    #expect(name.rawValue < 64)
    #expect(identify(text) == name && identify(text.uppercased()) == name)
    guard name != .other else { return }
    let spelling = text.split(separator: "-").map { $0.capitalized }
    #expect(identify(spelling.joined(separator: "-")) == name)
    #expect(identify(spelling.joined(separator: "_")) == name)
    #expect(
      identify(text + "x") == .other && identify("x" + text) == .other && identify(String(text.dropLast())) != name)
    // The parser has a quicker way to the same answer.
    let buffer = PaddedBytes("GET / HTTP/1.0\r\n\(spelling.joined(separator: "-")): a\r\n")
    var parser = HeadParser(fieldCapacity: 2)
    _ = parser.parseRequest(buffer.base, buffer.count, sizeBound: 100, countBound: 2)
    #expect(parser.fields[0].id == name)
  }

  @Test(arguments: ["", "a", "content-lengt", "content-lengthh", "contentlength", "hos\u{F4}", "x-tenant-idx", "-"])
  func unknown(name: String) {
    #expect(identify(name) == .other)
  }

  @Test(arguments: ["X_Tenant_Id", "x.tenant.id", "X-Tenant_ID", "x~tenant!id"]) func lookAlikes(name: String) {
    #expect(identify(name) == .xTenantID)
  }

  @Test func sets() {
    var set = FieldSet(.host, .other)
    #expect(set.contains(.host) && set.contains(.other) && !set.contains(.connection))
    set.insert(.connection)
    #expect(set == [FieldSet(.host), FieldSet(.connection), FieldSet(.other)])
    #expect(FieldSet.hopByHop.contains(.upgrade) && !FieldSet.hopByHop.contains(.host))
    #expect(FieldSet.forbiddenInTrailers.isSuperset(of: .hopByHop))
  }
}

extension StringProtocol {
  fileprivate var capitalized: String { prefix(1).uppercased() + dropFirst() }
}
