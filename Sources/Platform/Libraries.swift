import CLinux
import COpenSSL

/// The binary that this process runs, and the libraries of the system it runs with.
public enum Libraries {
  /// The id that the linker was given for this binary, as bytes; empty when there is none.
  public static var buildID: [UInt8] {
    var count = 0
    guard let bytes = linux_build_id(&count) else { return [] }
    return Array(UnsafeBufferPointer(start: bytes, count: count))
  }

  /// OpenSSL's own words for its version, such as "OpenSSL 3.0.19 27 Jan 2026".
  public static var openSSL: String { String(cString: OpenSSL_version(OPENSSL_VERSION)) }
}
