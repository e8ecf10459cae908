import ConfigLanguage
import Engine
import Foundation
import Primitives
import Testing

@testable import Configuration

/// Loads a text as `proxy.conf`, with files beside it, from a folder of its own.
func outcome(
  of text: String, files: [String: String] = [:], environment: [String: String] = [:],
  names: [String: IPAddress] = [:], processors: Int = 2, previous: Blueprint? = nil,
  additions: ((String) -> TenantAdditions)? = nil
) throws -> LoadOutcome {
  let folder = FileManager.default.temporaryDirectory.appendingPathComponent("gatehouse-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  for (name, text) in files {
    let file = folder.appendingPathComponent(name)
    try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: file)
  }
  let path = folder.appendingPathComponent("proxy.conf").path
  try Data(text.utf8).write(to: URL(fileURLWithPath: path))
  return ConfigurationLoader(processors: processors).load(
    path: path, environment: environment, resolveName: { names[$0].map { [$0] } ?? [] }, previous: previous,
    additions: additions)
}

/// The configuration of a text that must be good.
func load(
  _ text: String, files: [String: String] = [:], environment: [String: String] = [:],
  names: [String: IPAddress] = [:], processors: Int = 2, previous: Blueprint? = nil
) throws -> LoadedConfiguration {
  let result = try outcome(
    of: text, files: files, environment: environment, names: names, processors: processors, previous: previous)
  switch result {
  case .loaded(let loaded): return loaded
  case .refused(let report):
    Issue.record("refused:\n\(report.text)")
    throw Refused()
  }
}

/// The messages of a text that must be refused.
func errors(
  _ text: String, files: [String: String] = [:], previous: Blueprint? = nil
) throws -> [String] {
  switch try outcome(of: text, files: files, previous: previous) {
  case .loaded: []
  case .refused(let report): report.diagnostics.map { "\($0.line):\($0.column) \($0.message)" }
  }
}

struct Refused: Error {}

/// The least that is accepted.
let leastText = "listen 127.0.0.1:0\nshard s {\n  backend 127.0.0.1:9001\n}\n"

extension LoadedConfiguration {
  /// The number of a tenant that must be there.
  func tenant(_ id: String) throws -> Int32 {
    let index = Array(id.utf8).withUnsafeBufferPointer { blueprint.tenants.tenant(id: $0.baseAddress!, $0.count) }
    return try #require(index >= 0 ? index : nil)
  }
}
