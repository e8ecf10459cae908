/// How an audit log is gone on with: where it ends, and whether that is where it was left.
struct AuditStart {
  /// Lines that are written together at most, and so may be there without a head that knows of them.
  static let mostUnheaded = 256

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
    let lines = AuditFolder.lines(bytes)
    size = bytes.count - lines.rest.count
    var last = lines.whole.last.flatMap { AuditLine($0) }
    if last == nil { last = try AuditStart.lastOlder(folder) }
    head = kept.flatMap { AuditHead($0) } ?? AuditHead()
    first = lines.whole.first.flatMap(AuditLine.init)?.entry.n ?? (last?.entry.n ?? head.n) + 1
    guard let last else {
      if head.n > 0 { finding = "the audit log is gone; it had \(head.n) entries" }
      return
    }
    if last.entry.n == head.n, last.chain == head.chain { return }
    // Of the first lines ever, one alone is believed without a head.
    let most = kept.flatMap { AuditHead($0) } == nil ? 1 : AuditStart.mostUnheaded
    if last.entry.n > head.n, last.entry.n <= head.n + Int64(most),
      AuditStart.follow(lines.whole.suffix(Int(last.entry.n - head.n)), head)
    {
      // The process ended between the lines and the head.
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

  /// Whether lines go on from a head, one after the other.
  private static func follow(_ lines: ArraySlice<ArraySlice<UInt8>>, _ head: AuditHead) -> Bool {
    var (n, chain) = (head.n, head.chain)
    for bytes in lines {
      guard let line = AuditLine(bytes), line.entry.n == n + 1, line.follows(chain) else { return false }
      (n, chain) = (line.entry.n, line.chain)
    }
    return true
  }

  private static func lastOlder(_ folder: AuditFolder) throws(AuditFault) -> AuditLine? {
    guard let newest = folder.olderFirsts().last else { return nil }
    return AuditFolder.lines(try AuditFolder.read(folder.older(newest)) ?? []).whole.last.flatMap(AuditLine.init)
  }
}
