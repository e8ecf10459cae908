import HTTP
import Primitives

extension ReferenceHead {
  /// The request head that the parser under test has just read from `base`.
  package init(_ parser: borrowing HeadParser, request base: UnsafePointer<UInt8>) {
    let head = parser.request
    first = [bytes(base, head.methodText), bytes(base, head.target)]
    minorVersion = Int(head.minorVersion)
    lines = fieldLines(parser, head.fieldCount, base)
    framing = head.framing
    contentLength = head.contentLength
    wantsKeepAlive = head.wantsKeepAlive
    length = head.length
  }

  /// The response head that the parser under test has just read from `base`.
  package init(_ parser: borrowing HeadParser, response base: UnsafePointer<UInt8>) {
    let head = parser.response
    first = [Array(String(head.status).utf8), bytes(base, head.reason)]
    minorVersion = Int(head.minorVersion)
    lines = fieldLines(parser, head.fieldCount, base)
    framing = head.framing
    contentLength = head.contentLength
    wantsKeepAlive = head.wantsKeepAlive
    length = head.length
  }

  /// The trailer section that the parser under test has just read from `base`.
  package init(_ parser: borrowing HeadParser, trailers base: UnsafePointer<UInt8>) {
    lines = fieldLines(parser, parser.trailerCount, base)
    length = parser.trailerLength
  }
}

private func bytes(_ base: UnsafePointer<UInt8>, _ range: ByteRange) -> [UInt8] {
  Array(UnsafeBufferPointer(start: base + Int(range.start), count: range.count))
}

private func fieldLines(
  _ parser: borrowing HeadParser, _ count: Int, _ base: UnsafePointer<UInt8>
) -> [ReferenceHead.Line] {
  let fields = parser.fields
  return (0..<count).map { index in
    let field = fields[index]
    return ReferenceHead.Line(
      name: bytes(base, field.name), value: bytes(base, field.value), isNamed: field.isNamedByConnection)
  }
}
