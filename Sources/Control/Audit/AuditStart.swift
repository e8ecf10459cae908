/// How an audit log is gone on with: where it ends, and whether that is where it was left.
struct AuditStart {
  /// Bytes of the file that is written.
  private(set) var size = 0
  /// The number of that file's first entry.
  private(set) var first: Int64
  private(set) var head: AuditHead
  /// What is wrong with its end; `nil` when nothing is.
  private(set) var finding: String?

  /// Looks at the files; a line that was broken off is cut off, since nobody was told that it is there.
  init(_ folder: AuditFolder) throws(AuditFault) {
    let kept = try AuditFolder.read(folder.head)
    let bytes = try AuditFolder.read(folder.current) ?? []
    let (lines, rest) = AuditFolder.lines(bytes)
    size = bytes.count - rest.count
    var last = lines.last.flatMap { AuditLine($0) }
    if last == nil { last = try AuditStart.lastOlder(folder) }
    head = kept.flatMap { AuditHead($0) } ?? AuditHead()
    first = lines.first.flatMap(AuditLine.init)?.entry.n ?? (last?.entry.n ?? head.n) + 1
    guard let last else {
      if head.n > 0 { finding = "the audit log is gone; it had \(head.n) entries" }
      return
    }
    if last.entry.n == head.n, last.chain == head.chain { return }
    if last.entry.n == head.n + 1, last.follows(head.chain) {
      // The process ended between the line and the head.
      head.n = last.entry.n
      head.chain = last.chain
      return
    }
    if kept.flatMap({ AuditHead($0) }) == nil {
      finding = "the audit log's head is gone; it goes on behind entry \(last.entry.n)"
      head.n = last.entry.n
      head.chain = last.chain
      return
    }
    // The chain goes on from where it was left, so that what is missing stays missed.
    finding = "the audit log ends with entry \(last.entry.n), and its head says \(head.n); see 'gatehouse audit verify'"
  }

  private static func lastOlder(_ folder: AuditFolder) throws(AuditFault) -> AuditLine? {
    guard let newest = folder.olderFirsts().last else { return nil }
    return AuditFolder.lines(try AuditFolder.read(folder.older(newest)) ?? []).whole.last.flatMap(AuditLine.init)
  }
}
