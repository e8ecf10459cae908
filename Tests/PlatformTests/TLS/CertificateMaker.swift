import Foundation
import Platform

/// Makes certificates with the openssl command, in a folder that lives as long as the maker.
final class CertificateMaker {
  let folder = FileManager.default.temporaryDirectory.appendingPathComponent("gatehouse-\(UUID().uuidString)").path

  init() throws { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  /// A chain and a key that signs itself, good for these names.
  func make(_ names: String..., isRSA: Bool = false, file: String = "made") throws -> (chain: [UInt8], key: [UInt8]) {
    let kind = isRSA ? ["rsa:2048"] : ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    try openssl(
      ["req", "-x509", "-newkey"] + kind + [
        "-nodes", "-keyout", "\(folder)/\(file).key", "-out", "\(folder)/\(file).pem", "-days", "30", "-subj",
        "/CN=common.example",
      ] + (names.isEmpty ? [] : ["-addext", "subjectAltName=" + names.map { "DNS:\($0)" }.joined(separator: ",")]))
    return (try read("\(file).pem"), try read("\(file).key"))
  }

  func certificate(_ names: String..., isRSA: Bool = false) throws -> Certificate {
    var made: (chain: [UInt8], key: [UInt8])
    switch names.count {
    case 0: made = try make(isRSA: isRSA)
    case 1: made = try make(names[0], isRSA: isRSA)
    default: made = try make(names[0], names[1], isRSA: isRSA)
    }
    return try Certificate(chain: made.chain, key: made.key)
  }

  func read(_ file: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(file)")))
  }

  func openssl(_ arguments: [String]) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["openssl"] + arguments
    process.standardError = FileHandle.nullDevice
    process.standardInput = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    if process.terminationStatus != 0 { throw CocoaError(.executableLoad) }
  }
}
