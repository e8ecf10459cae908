import COpenSSL

/// The libraries of the system that this process runs with.
public enum Libraries {
  /// OpenSSL's own words for its version, such as "OpenSSL 3.0.19 27 Jan 2026".
  public static var openSSL: String { String(cString: OpenSSL_version(OPENSSL_VERSION)) }
}
