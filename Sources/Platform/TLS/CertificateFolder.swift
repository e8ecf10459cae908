import Synchronization

/// A folder of NAME.pem and NAME.key pairs that is watched: what changes there is used a moment later.
///
/// Up to `eager` pairs are all loaded, and found by the names in their certificates. Of more, each is loaded when it is
/// first asked for, found by its file name, which must be the host's (`*.example.org.pem` for one label below), and at
/// most `eager` stay loaded.
public final class CertificateFolder: Sendable {
  /// Pairs that are loaded at most.
  public static let eager = 4_096

  /// A pair that can't be used, and why.
  public struct Finding: Sendable {
    /// The file.
    public var path: String
    /// What is wrong with it.
    public var reason: String
  }

  /// What tells one version of a pair from another.
  private struct Signature: Equatable {
    var values: [Int64]
  }

  private struct Pair {
    var signature: Signature?
    /// `nil` as long as it was not asked for, or could never be loaded.
    var certificate: Certificate?
    /// When it was last asked for, as a count.
    var lastUse: UInt64 = 0
  }

  private struct Contents {
    var pairs: [String: Pair] = [:]
    var table = CertificateTable()
    var isEager = true
    /// The first pair by name, for clients that name nothing known.
    var first: String?
    var uses: UInt64 = 0
    var loadedCount = 0
    /// What went wrong while somebody waited for a certificate.
    var findings: [Finding] = []
    /// Pairs that changed a moment ago, and may still be changing.
    var unsettled: Set<String> = []
  }

  /// The folder.
  public let path: String
  private let watch: FolderWatch
  private let contents = Mutex(Contents())

  /// The folder at `path`, not yet looked into.
  public init(path: String) throws(SystemError) {
    self.path = path
    watch = try FolderWatch(path)
  }

  /// Looks through the whole folder; returns what can't be used. What was loaded before stays in that place.
  public func scan() throws(SystemError) -> [Finding] {
    let names = try Folder.names(in: path).filter { $0.hasSuffix(".pem") && !$0.hasPrefix(".") }
    let bases = names.map { String($0.dropLast(4)) }.sorted()
    let isEager = contents.withLock { contents in
      let wasEager = contents.isEager
      contents.isEager = bases.count <= CertificateFolder.eager
      contents.first = bases.first
      if contents.isEager, wasEager {
        for base in Set(contents.pairs.keys).subtracting(bases) { contents.pairs[base] = nil }
      } else {
        contents.pairs = Dictionary(uniqueKeysWithValues: bases.map { ($0, Pair()) })
        contents.loadedCount = 0
      }
      return contents.isEager
    }
    guard isEager else { return [] }
    let findings = bases.compactMap { refresh($0) }
    rebuild()
    return findings
  }

  /// Takes up what has changed since the last call, once it has not changed for one call; returns what can't be used.
  public func poll() -> [Finding] {
    guard let names = watch.changes(), !names.contains(where: { $0.hasPrefix("..") }) else {
      return (try? scan()) ?? []
    }
    let fresh = Set(names.compactMap(CertificateFolder.base))
    let (settled, isEager, late) = contents.withLock { contents in
      let settled = contents.unsettled.subtracting(fresh)
      contents.unsettled = fresh
      defer { contents.findings.removeAll() }
      return (settled.sorted(), contents.isEager, contents.findings)
    }
    guard !settled.isEmpty else { return late }
    guard isEager else {
      for base in settled { forget(base) }
      return late
    }
    let findings = settled.compactMap { refresh($0) }
    rebuild()
    return late + findings
  }

  private static func base(_ name: String) -> String? {
    guard name.hasSuffix(".pem") || name.hasSuffix(".key"), !name.hasPrefix(".") else { return nil }
    return String(name.dropLast(4))
  }

  /// Has a pair of a large folder loaded anew when it is next asked for.
  private func forget(_ base: String) {
    let exists = signature(base) != nil
    contents.withLock { contents in
      if contents.pairs[base]?.certificate != nil { contents.loadedCount -= 1 }
      contents.pairs[base] = exists ? Pair() : nil
    }
  }

  /// Loads a pair if it has changed; returns what is wrong with it.
  private func refresh(_ base: String) -> Finding? {
    guard let signature = signature(base) else {
      contents.withLock { $0.pairs[base] = nil }
      return nil
    }
    guard contents.withLock({ $0.pairs[base]?.signature }) != signature else { return nil }
    let (certificate, finding) = load(base)
    contents.withLock { contents in
      var pair = contents.pairs[base] ?? Pair()
      pair.signature = signature
      if let certificate { pair.certificate = certificate }
      contents.pairs[base] = pair
    }
    return finding
  }

  private func rebuild() {
    // Beside the lock, so that no handshake waits for it.
    let pairs = contents.withLock { $0.pairs }
    var table = CertificateTable()
    for base in pairs.keys.sorted() {
      if let certificate = pairs[base]?.certificate { table.add(certificate) }
    }
    contents.withLock { $0.table = table }
  }

  private func signature(_ base: String) -> Signature? {
    var values: [Int64] = []
    for suffix in [".pem", ".key"] {
      guard let facts = Folder.facts(of: "\(path)/\(base)\(suffix)") else {
        if suffix == ".pem" { return nil }
        values.append(-1)
        continue
      }
      values += facts
    }
    return Signature(values: values)
  }

  private func load(_ base: String) -> (Certificate?, Finding?) {
    var file = "\(path)/\(base).pem"
    do throws(SystemError) {
      let chain = try Folder.read(file, most: PEMText.longest)
      file = "\(path)/\(base).key"
      let key = try Folder.read(file, most: PEMText.longest)
      do throws(TLSFault) {
        return (try Certificate(chain: chain, key: key), nil)
      } catch {
        return (nil, Finding(path: "\(path)/\(base).\(error.isOfKey ? "key" : "pem")", reason: "\(error)"))
      }
    } catch {
      return (nil, Finding(path: file, reason: "can't be read: \(error)"))
    }
  }
}

extension CertificateFolder {
  /// The certificates for a server name in lower case.
  func choice(for name: String) -> CertificateTable.Choice? {
    let (isEager, choice) = contents.withLock { ($0.isEager, $0.table.choice(for: name)) }
    if isEager { return choice }
    if let certificate = lazily(name) { return [certificate] }
    guard let dot = name.firstIndex(of: ".") else { return nil }
    return lazily("*" + name[dot...]).map { [$0] }
  }

  /// The certificates for clients that name nothing known.
  func fallback() -> CertificateTable.Choice {
    let (isEager, choice, first) = contents.withLock { contents in
      (contents.isEager, contents.table.fallback, contents.first)
    }
    return isEager ? choice : first.flatMap(lazily).map { [$0] } ?? []
  }

  /// All that are loaded.
  var loaded: [Certificate] { contents.withLock { $0.pairs.values.compactMap(\.certificate) } }

  /// A certificate of a large folder, loaded now if it must be.
  private func lazily(_ base: String) -> Certificate? {
    let known = contents.withLock { contents -> Pair? in
      contents.uses += 1
      contents.pairs[base]?.lastUse = contents.uses
      return contents.pairs[base]
    }
    guard let known else { return nil }
    if known.certificate != nil || known.signature != nil { return known.certificate }
    let signature = signature(base)
    let (certificate, finding) = load(base)
    contents.withLock { contents in
      guard contents.pairs[base] != nil else { return }
      contents.pairs[base]?.signature = signature
      if let finding, contents.findings.count < 100 { contents.findings.append(finding) }
      guard let certificate, contents.pairs[base]?.certificate == nil else { return }
      contents.pairs[base]?.certificate = certificate
      contents.loadedCount += 1
      if contents.loadedCount > CertificateFolder.eager { CertificateFolder.evict(&contents) }
    }
    return certificate
  }

  /// Lets go of the half of what is loaded that was not asked for longest.
  private static func evict(_ contents: inout Contents) {
    let loaded = contents.pairs.filter { $0.value.certificate != nil }.sorted { $0.value.lastUse < $1.value.lastUse }
    for (base, _) in loaded.prefix(loaded.count / 2) {
      contents.pairs[base]?.certificate = nil
      contents.pairs[base]?.signature = nil
      contents.loadedCount -= 1
    }
  }
}
