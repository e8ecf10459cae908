import Primitives

/// Turns field sections of HTTP/2 into heads of HTTP/1.1, the form in which everything behind it reads heads.
///
/// As strict as `HeadParser`, which reads the text afterwards: what RFC 9113 §8 calls malformed is refused here, and the
/// text never holds a byte of a field that could end its line. One value serves all connections of a worker; its memory
/// is touched as heads need it.
public struct HeadText: ~Copyable {
  /// The largest bound on heads.
  public static let sizeBound = 256 << 10
  /// Bytes behind the bound for what is decoded only to keep a decoder in step, and to pad.
  private static let slack = 8 << 10
  /// The most that the text is longer than the size of the section it was made from.
  private static let growth = 64

  /// The text, with 64 readable bytes behind it.
  public let bytes: UnsafeMutablePointer<UInt8>
  /// Bytes of the text.
  public internal(set) var count = 0
  /// What became of the section: `complete`, `bad`, `tooLarge` or `targetTooLong`.
  public internal(set) var outcome = HeadOutcome.complete
  /// The value of Content-Length, -1 without one.
  public internal(set) var contentLength: Int64 = -1
  /// Whether the section counts so much more than its bound that its block was made for that.
  public internal(set) var isBomb = false
  /// The status, of a response.
  public internal(set) var status: UInt16 = 0

  /// When the stream of a request is to be sent on before others.
  public internal(set) var rank = StreamRank.unsaid

  /// What an extended CONNECT gets as Sec-WebSocket-Key (RFC 6455 §4.1): `keyCount` bytes, the owner's to choose.
  public let webSocketKey: UnsafeMutablePointer<UInt8>
  /// Bytes of `webSocketKey`: sixteen in Base64.
  public static let keyCount = 24

  /// The values of pseudo-fields, and the cookies, until they are written.
  let pseudo: UnsafeMutablePointer<UInt8>
  let cookies: UnsafeMutablePointer<UInt8>
  var cookieCount = 0
  var fields = PseudoFields()
  var limit = SectionLimit(size: 0, count: 0)
  var hasHost = false

  /// Memory for heads up to `sizeBound`.
  public init() {
    bytes = .allocate(capacity: HeadText.sizeBound + HeadText.slack)
    pseudo = .allocate(capacity: HeadText.sizeBound + HeadText.slack)
    cookies = .allocate(capacity: HeadText.sizeBound + HeadText.slack)
    webSocketKey = .allocate(capacity: HeadText.keyCount)
    let sample: StaticString = "dGhlIHNhbXBsZSBub25jZQ=="
    webSocketKey.initialize(from: sample.utf8Start, count: HeadText.keyCount)
  }

  deinit {
    bytes.deallocate()
    pseudo.deallocate()
    cookies.deallocate()
    webSocketKey.deallocate()
  }

  /// Room for the next field behind `used` bytes of an area.
  static func room(behind used: Int) -> Int { sizeBound + slack - 64 - used }

  /// Starts a section of at most `size` bytes and `count` fields.
  mutating func begin(size: Int, count: Int) {
    self.count = 0
    outcome = .complete
    contentLength = -1
    isBomb = false
    status = 0
    rank = .unsaid
    cookieCount = 0
    fields = PseudoFields()
    limit = SectionLimit(size: min(size, HeadText.sizeBound - HeadText.growth), count: count)
    hasHost = false
  }

  /// Notes that the section is malformed; the rest of it is only decoded.
  mutating func refuse() { if outcome == .complete { outcome = .bad } }

  /// Decodes what is left of a block into nowhere; false when it is malformed.
  mutating func skipRest(_ decoder: inout HPACKDecoder) -> Bool {
    while true {
      switch decoder.next(into: pseudo, capacity: decoder.leastRoom) {
      case .field, .tooLong:
        limit.note(decoder.nameCount, decoder.valueCount)
        if limit.size > HTTP2Bounds.bombFactor * limit.sizeBound { isBomb = true }
      case .end: return true
      case .malformed: return false
      }
    }
  }

  /// Notes a field of these lengths; false when it is one too many, or the section is too large with it.
  mutating func fits(_ nameCount: Int, _ valueCount: Int, isCrumb: Bool) -> Bool {
    limit.note(nameCount, valueCount)
    if isCrumb { limit.crumbs &+= 1 } else { limit.count &+= 1 }
    if limit.size <= limit.sizeBound, limit.count <= limit.countBound, limit.crumbs <= limit.countBound { return true }
    if outcome == .complete { outcome = .tooLarge }
    return false
  }
}

/// How large a section is, and may be.
struct SectionLimit: BitwiseCopyable {
  let sizeBound: Int
  let countBound: Int
  var size = 0
  var count = 0
  var crumbs = 0

  init(size: Int, count: Int) {
    sizeBound = size
    countBound = count
  }

  /// Counts a field as RFC 9113 §10.5.1 does.
  @inline(__always)
  mutating func note(_ nameCount: Int, _ valueCount: Int) {
    size = size &+ max(0, nameCount) &+ max(0, valueCount) &+ DynamicTable.overhead
  }
}

/// Where the values of pseudo-fields are, each at most once.
struct PseudoFields: BitwiseCopyable {
  /// The pseudo-fields of a request (RFC 9113 §8.3.1, RFC 8441 §4), in the order of their bits.
  enum Name: UInt8 {
    case method, scheme, authority, path, connectProtocol
  }

  var method = ByteRange.none
  var scheme = ByteRange.none
  var authority = ByteRange.none
  var path = ByteRange.none
  var connectProtocol = ByteRange.none
  var seen: UInt8 = 0
  /// Bytes of values so far.
  var end = 0

  /// Takes the value at `range` for `name`; false when there is one already.
  mutating func take(_ name: Name, _ range: ByteRange) -> Bool {
    guard !has(name) else { return false }
    seen |= 1 << name.rawValue
    switch name {
    case .method: method = range
    case .scheme: scheme = range
    case .authority: authority = range
    case .path: path = range
    case .connectProtocol: connectProtocol = range
    }
    return true
  }

  func has(_ name: Name) -> Bool { seen >> name.rawValue & 1 != 0 }
}
