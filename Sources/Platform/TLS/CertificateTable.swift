/// Certificates by the names they are good for.
///
/// Of several for one name and kind of key the first one counts; for a name that none is good for the first of all.
public struct CertificateTable: Sendable {
  /// Certificates of one name, each with another kind of key: the client's abilities decide between them.
  typealias Choice = [Certificate]

  private var exact: [String: Choice] = [:]
  /// By the domain below which one label may stand.
  private var wildcards: [String: Choice] = [:]
  private var first: Choice = []
  /// All of them, in the order in which they were added.
  private(set) var all: [Certificate] = []

  /// No certificates.
  public init() {}

  /// Adds a certificate under all its names.
  public mutating func add(_ certificate: Certificate) {
    all.append(certificate)
    if first.isEmpty || first[0].names == certificate.names { CertificateTable.add(certificate, to: &first) }
    for name in certificate.names {
      if name.hasPrefix("*.") {
        CertificateTable.add(certificate, to: &wildcards[String(name.dropFirst(2)), default: []])
      } else {
        CertificateTable.add(certificate, to: &exact[name, default: []])
      }
    }
  }

  private static func add(_ certificate: Certificate, to choice: inout Choice) {
    if !choice.contains(where: { $0.keyKind == certificate.keyKind }) { choice.append(certificate) }
  }

  /// The certificates for a server name in lower case.
  func choice(for name: String) -> Choice? {
    if let choice = exact[name] { return choice }
    guard let dot = name.firstIndex(of: ".") else { return nil }
    return wildcards[String(name[name.index(after: dot)...])]
  }

  /// The certificates for clients that name nothing known.
  var fallback: Choice { first }
}
