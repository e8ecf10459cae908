import Synchronization

/// A folder of NAME.pem and NAME.key pairs, with NAME.ocsp beside them or not, that is watched: what changes there is used a moment later.
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
    /// Whether it is only the OCSP answer, without which the certificate is used.
    public var isStaple = false
  }

  /// What tells one version of a pair from another.
  private struct Signature: Equatable {
    var values: [Int64]
  }

  private struct Pair {
    var signature: Signature?
    /// `nil` as long as it was not asked for, or could never be loaded.
    var certificate: Certificate?
    /// Whether it was tried to be loaded since it last changed (large folders).
    var isTried = false
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
    /// What is loaded of a large folder.
    var loaded: Set<String> = []
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
    // Made, and what it takes the place of freed, beside the lock that handshakes take.
    var fresh = Dictionary(uniqueKeysWithValues: bases.map { ($0, Pair()) })
    let isEager = contents.withLock { contents in
      let wasEager = contents.isEager
      contents.isEager = bases.count <= CertificateFolder.eager
      contents.first = bases.first
      if contents.isEager, wasEager {
        for base in Set(contents.pairs.keys).subtracting(bases) { contents.pairs[base] = nil }
      } else {
        swap(&contents.pairs, &fresh)
        contents.loaded = []
      }
      return contents.isEager
    }
    guard isEager else { return [] }
    let findings = bases.compactMap { refresh($0) }
    rebuild()
    return findings
  }

  /// Tells of each certificate in use by its file, in order of their names.
  ///
  /// Of a large folder none is told of, unless it is to be read whole: then every pair is read, told of, and let go
  /// again, and what can't be used goes to `onFinding`. That takes a moment for each.
  public func review(
    readingAll: Bool, onFinding: (Finding) -> Void, onCertificate: (_ path: String, Certificate) -> Void
  ) {
    let (bases, isEager) = contents.withLock { (Array($0.pairs.keys), $0.isEager) }
    guard isEager || readingAll else { return }
    for base in bases.sorted() {
      var certificate = contents.withLock { $0.pairs[base]?.certificate }
      if !isEager {
        let (read, finding) = load(base)
        if let finding { onFinding(finding) }
        certificate = read
      }
      if let certificate { onCertificate("\(path)/\(base).pem", certificate) }
    }
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

  private static let suffixes = [".pem", ".key", ".ocsp"]

  private static func base(_ name: String) -> String? {
    guard !name.hasPrefix("."), let dot = name.lastIndex(of: ".") else { return nil }
    return suffixes.contains(String(name[dot...])) ? String(name[..<dot]) : nil
  }

  /// Has a pair of a large folder loaded anew when it is next asked for.
  private func forget(_ base: String) {
    let exists = signature(base) != nil
    contents.withLock { contents in
      contents.loaded.remove(base)
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
    for suffix in CertificateFolder.suffixes {
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
    let staplePath = "\(path)/\(base).ocsp"
    do throws(SystemError) {
      let chain = try Folder.read(file, most: PEMText.longest)
      file = "\(path)/\(base).key"
      let key = try Folder.read(file, most: PEMText.longest)
      do throws(TLSFault) {
        // An answer that can't be read is as good as none, but told of.
        let staple = try? Folder.read(staplePath, most: OCSPStaple.longest)
        let isMissing = staple == nil && Folder.facts(of: staplePath) != nil
        let certificate = try Certificate(chain: chain, key: key, staple: isMissing ? [] : staple)
        let fault = certificate.stapleFault
        return (certificate, fault.map { Finding(path: staplePath, reason: "\($0)", isStaple: true) })
      } catch {
        return (nil, Finding(path: "\(path)/\(base).\(error.isOfKey ? "key" : "pem")", reason: "\(error)"))
      }
    } catch {
      return (nil, Finding(path: file, reason: "can't be read: \(error)"))
    }
  }
}

extension CertificateFolder {
  /// The certificates for a server name in lower case; `waker` is the descriptor to be written to when they are loaded,
  /// -1 has them loaded at once.
  func lookup(_ name: String, waking waker: Int32) -> CertificateLookup {
    let (isEager, choice) = contents.withLock { ($0.isEager, $0.table.choice(for: name)) }
    if isEager { return choice.map { .found($0) } ?? .none }
    switch lazily(name, waker) {
    case .none: break
    case let outcome: return outcome
    }
    guard let dot = name.firstIndex(of: ".") else { return .none }
    return lazily("*" + name[dot...], waker)
  }

  /// The certificates for clients that name nothing known.
  func fallback(waking waker: Int32) -> CertificateLookup {
    let (isEager, choice, first) = contents.withLock { contents in
      (contents.isEager, contents.table.fallback, contents.first)
    }
    if isEager { return choice.isEmpty ? .none : .found(choice) }
    return first.map { lazily($0, waker) } ?? .none
  }

  /// All that are loaded.
  var loaded: [Certificate] {
    contents.withLock { contents in
      contents.isEager
        ? contents.pairs.values.compactMap(\.certificate)
        : contents.loaded.compactMap { contents.pairs[$0]?.certificate }
    }
  }

  /// A certificate of a large folder, which is loaded if it must be.
  private func lazily(_ base: String, _ waker: Int32) -> CertificateLookup {
    let known = contents.withLock { contents -> Pair? in
      contents.uses += 1
      contents.pairs[base]?.lastUse = contents.uses
      return contents.pairs[base]
    }
    guard let known else { return .none }
    if let certificate = known.certificate { return .found([certificate]) }
    if known.isTried { return .none }
    if waker >= 0 { return CertificateLoader.shared.load(base, of: self, waking: waker) ? .loading : .overloaded }
    loadAside(base)
    return contents.withLock { $0.pairs[base]?.certificate }.map { .found([$0]) } ?? .none
  }

  /// Loads a pair of a large folder.
  func loadAside(_ base: String) {
    let isWanted = contents.withLock { !($0.pairs[base]?.isTried ?? true) }
    guard isWanted else { return }
    let (certificate, finding) = load(base)
    let isFull = contents.withLock { contents in
      if let finding, contents.findings.count < 100 { contents.findings.append(finding) }
      contents.pairs[base]?.isTried = true
      guard let certificate, contents.pairs[base] != nil else { return false }
      contents.pairs[base]?.certificate = certificate
      contents.loaded.insert(base)
      return contents.loaded.count > CertificateFolder.eager
    }
    if isFull { evict() }
  }

  /// Lets go of the half of what is loaded that was not asked for longest.
  private func evict() {
    let uses = contents.withLock { contents in contents.loaded.map { ($0, contents.pairs[$0]?.lastUse ?? 0) } }
    let oldest = uses.sorted { $0.1 < $1.1 }.prefix(uses.count / 2)
    // Freed beside the lock.
    let gone = contents.withLock { contents in
      oldest.map { base, _ in
        defer { contents.pairs[base]?.isTried = false }
        contents.loaded.remove(base)
        return contents.pairs[base]?.certificate.take()
      }
    }
    withExtendedLifetime(gone) {}
  }
}
