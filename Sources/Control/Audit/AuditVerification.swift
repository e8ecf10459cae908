/// Whether an audit log is what was written: no entry changed, taken out, put in or moved.
struct AuditVerification {
  /// Faults that are told at most.
  static let mostFaults = 20

  /// Entries that were looked at.
  private(set) var count = 0
  /// The first of them.
  private(set) var first: Int64?
  /// What is wrong, in words; the first ones.
  private(set) var faults: [String] = []
  /// How much is wrong.
  private(set) var faultCount = 0
  /// The number and the chain that the log ends with.
  private(set) var end = AuditHead()

  /// Looks through the log of a folder.
  init(folder path: String) throws(AuditFault) {
    let folder = AuditFolder(path: path)
    let kept = try AuditFolder.read(folder.head)
    let head = kept.flatMap { AuditHead($0) }
    if let head {
      end.n = head.first - 1
      end.chain = head.base
    }
    // Those before the first entry that counts were about to be let go.
    let firsts = folder.olderFirsts().filter { $0 >= end.n + 1 }
    let files = firsts.map { folder.older($0) } + [folder.current]
    for file in files {
      guard let bytes = try AuditFolder.read(file) else { continue }
      look(AuditFolder.lines(bytes).whole, in: file.split(separator: "/").last.map(String.init) ?? file)
    }
    compare(with: head, isMissing: kept == nil)
  }

  private mutating func look(_ lines: [ArraySlice<UInt8>], in file: String) {
    for (index, bytes) in lines.enumerated() {
      let place = "\(file):\(index + 1)"
      guard let line = AuditLine(bytes) else {
        complain("\(place): this is no entry of the log")
        continue
      }
      count += 1
      if first == nil { first = line.entry.n }
      if line.entry.n != end.n + 1 {
        complain("\(place): entry \(line.entry.n) stands behind entry \(end.n)")
      } else if !line.follows(end.chain) {
        complain("\(place): entry \(line.entry.n), or the one before it, is not what was written")
      }
      end.n = line.entry.n
      end.chain = line.chain
    }
  }

  private mutating func compare(with head: AuditHead?, isMissing: Bool) {
    guard let head else {
      if count > 0 || !isMissing { complain("audit.head: \(isMissing ? "is missing" : "can't be read")") }
      return
    }
    // The process that writes, or was stopped, may have got lines down and not yet the head.
    if end.n == head.n ? end.chain == head.chain : (1...Int64(AuditStart.mostUnheaded)).contains(end.n - head.n) {
      return
    }
    complain("audit.head: the log must end with entry \(head.n), and ends with entry \(end.n)")
  }

  private mutating func complain(_ fault: String) {
    faultCount += 1
    if faults.count < AuditVerification.mostFaults { faults.append(fault) }
  }
}
