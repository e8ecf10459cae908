/// What a verified certificate says of its holder, one name after the other: URIs, DNS names, mail addresses, the common
/// name, and at last the whole subject (RFC 4514).
///
/// A view of bytes that live as long as their connection: for each name its kind, its length in two bytes, itself.
public struct CertificateNames: BitwiseCopyable {
  /// What a name is.
  public enum Kind: UInt8, BitwiseCopyable, CaseIterable {
    /// A URI (RFC 5280, section 4.2.1.6), such as a SPIFFE identity.
    case uri = 1
    /// A DNS name, in lower case.
    case dns
    /// A mail address.
    case email
    /// The common name of the subject.
    case commonName
    /// The whole subject.
    case subject
  }

  /// One name.
  public struct Name: BitwiseCopyable {
    /// What it is.
    public var kind: Kind
    /// Its bytes, printable ASCII but for the common name and the subject, which are UTF-8 without control bytes.
    public var text: UnsafeBufferPointer<UInt8>
  }

  /// Bytes of all names at most; what would be beyond them is left out.
  public static let mostBytes = 4_096
  /// Bytes before each name.
  public static let header = 3

  private let start: UnsafePointer<UInt8>?
  private let count: Int

  /// The names that `count` bytes at `start` hold.
  public init(_ start: UnsafePointer<UInt8>?, count: Int) {
    self.start = start
    self.count = start == nil ? 0 : count
  }

  /// No certificate was shown.
  public static var none: CertificateNames { CertificateNames(nil, count: 0) }

  /// Whether there is no name.
  public var isEmpty: Bool { count == 0 }

  /// The name at `place`, 0 for the first, which is moved on to the next one; `nil` behind the last.
  public func next(_ place: inout Int) -> Name? {
    guard let start, place + CertificateNames.header <= count else { return nil }
    let length = Int(start[place + 1]) << 8 | Int(start[place + 2])
    let first = place + CertificateNames.header
    guard let kind = Kind(rawValue: start[place]), first + length <= count else { return nil }
    place = first + length
    return Name(kind: kind, text: UnsafeBufferPointer(start: start + first, count: length))
  }

  /// All names as text, for those who may take their time.
  public var all: [(kind: Kind, text: String)] {
    var names: [(kind: Kind, text: String)] = []
    var place = 0
    while let name = next(&place) { names.append((name.kind, String(decoding: name.text, as: UTF8.self))) }
    return names
  }

  /// Appends a name to bytes that are to be viewed so; one that is empty, or that there is no room for, is left out.
  public static func append(_ kind: Kind, _ text: UnsafeBufferPointer<UInt8>, to bytes: inout [UInt8]) {
    guard text.count > 0, bytes.count + header + text.count <= mostBytes else { return }
    bytes += [kind.rawValue, UInt8(truncatingIfNeeded: text.count >> 8), UInt8(truncatingIfNeeded: text.count)]
    bytes += text
  }
}
