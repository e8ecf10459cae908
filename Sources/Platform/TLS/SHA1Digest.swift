import COpenSSL

/// SHA-1, for protocols that ask for it and rely on none of what it no longer promises.
public enum SHA1Digest {
  /// Bytes of a digest.
  public static let count = 20

  /// Writes the digest of `count` bytes from `bytes` on to the 20 bytes at `place`.
  public static func write(of bytes: UnsafePointer<UInt8>, _ count: Int, to place: UnsafeMutablePointer<UInt8>) {
    _ = EVP_Digest(bytes, count, place, nil, EVP_sha1(), nil)
  }
}
