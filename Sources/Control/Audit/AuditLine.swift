import FoundationEssentials
import Platform

/// A line of the audit log: an entry as JSON, whose last member chains it to all before it.
///
/// `chain` is the SHA-256, in hex, of the chain of the line before (64 zeros before the first) followed by this line up to the
/// comma before `"chain"`.
struct AuditLine: Sendable {
  /// The chain before the first entry.
  static let origin = String(repeating: "0", count: 64)
  private static let mark = Array(#","chain":""#.utf8)
  private static let end = Array(#""}"#.utf8)

  /// The line, without its newline.
  let bytes: ArraySlice<UInt8>
  /// The chain that it names.
  let chain: String
  let entry: AuditEntry

  /// The line of an entry behind one whose chain is `previous`.
  init(_ entry: AuditEntry, after previous: String) {
    let body = AdminJSON.bytes(entry).dropLast()
    chain = SHA256Digest.text(of: Array(previous.utf8) + body)
    bytes = body + AuditLine.mark + Array(chain.utf8) + AuditLine.end
    self.entry = entry
  }

  /// A line as it was read; `nil` when it is none of the log's.
  init?(_ bytes: ArraySlice<UInt8>) {
    let tail = AuditLine.mark.count + 64 + AuditLine.end.count
    guard bytes.count > tail, bytes.suffix(tail).starts(with: AuditLine.mark),
      bytes.suffix(2).elementsEqual(AuditLine.end),
      let chain = String(validating: bytes.suffix(64 + 2).prefix(64), as: UTF8.self),
      let entry = try? JSONDecoder().decode(AuditEntry.self, from: Data(bytes))
    else { return nil }
    self.bytes = bytes
    self.chain = chain
    self.entry = entry
  }

  /// Whether it is what was written behind a line whose chain is `previous`.
  func follows(_ previous: String) -> Bool {
    let body = bytes.dropLast(AuditLine.mark.count + 64 + AuditLine.end.count)
    return chain == SHA256Digest.text(of: Array(previous.utf8) + body)
  }
}
