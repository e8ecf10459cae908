/// The method of a request, as far as the proxy tells methods apart (RFC 9110 §9). Methods are case-sensitive.
public enum Method: UInt8, Sendable, BitwiseCopyable, CaseIterable {
  /// GET
  case get
  /// HEAD
  case head
  /// POST
  case post
  /// PUT
  case put
  /// DELETE
  case delete
  /// OPTIONS
  case options
  /// TRACE
  case trace
  /// PATCH
  case patch
  /// CONNECT; refused by the parser.
  case connect
  /// Any other token.
  case other

  /// The method whose name is the `count` bytes from `p` on.
  public static func identify(_ p: UnsafePointer<UInt8>, _ count: Int) -> Method {
    switch count {
    case 3: return equal(p, "GET") ? .get : equal(p, "PUT") ? .put : .other
    case 4: return equal(p, "POST") ? .post : equal(p, "HEAD") ? .head : .other
    case 5: return equal(p, "PATCH") ? .patch : equal(p, "TRACE") ? .trace : .other
    case 6: return equal(p, "DELETE") ? .delete : .other
    case 7: return equal(p, "OPTIONS") ? .options : equal(p, "CONNECT") ? .connect : .other
    default: return .other
    }
  }

  private static func equal(_ p: UnsafePointer<UInt8>, _ name: StaticString) -> Bool {
    for index in 0..<name.utf8CodeUnitCount where p[index] != name.utf8Start[index] { return false }
    return true
  }
}
