import COpenSSL

/// SHA-256, for telling settings apart.
public enum SHA256Digest {
  /// The 32 bytes of the digest.
  public static func of(_ bytes: [UInt8]) -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: 32)
    _ = EVP_Digest(bytes, bytes.count, &digest, nil, EVP_sha256(), nil)
    return digest
  }
}
