/// Something that takes any bytes: it must come to an end, trap on none, and hold what it claims of all.
struct FuzzTarget: Sendable {
  /// Its name, and that of its corpus.
  let name: String
  /// Takes one input; throws when two ways to the same answer differ, or a promise is broken.
  let run: @Sendable (_ bytes: [UInt8]) throws -> Void

  /// All of them.
  static let all: [FuzzTarget] = [
    FuzzTarget(name: "request-head", run: RequestHeads.run), FuzzTarget(name: "response-head", run: ResponseHeads.run),
    FuzzTarget(name: "trailers", run: Trailers.run), FuzzTarget(name: "chunks", run: Chunks.run),
    FuzzTarget(name: "values", run: FieldValues.run), FuzzTarget(name: "forwarded", run: Forwardings.run),
    FuzzTarget(name: "host", run: Hosts.run),
    FuzzTarget(name: "address", run: Addresses.run), FuzzTarget(name: "affinity", run: AffinityCookies.run),
    FuzzTarget(name: "language", run: LanguageTexts.run), FuzzTarget(name: "table", run: TenantTables.run),
    FuzzTarget(name: "client", run: ClientStreams.run), FuzzTarget(name: "origin", run: OriginStreams.run),
    FuzzTarget(name: "huffman", run: HuffmanStrings.run), FuzzTarget(name: "hpack", run: FieldBlocks.run),
    FuzzTarget(name: "http2-server", run: FrameStreams(role: .server).run),
    FuzzTarget(name: "http2-client", run: FrameStreams(role: .client).run),
    FuzzTarget(name: "proxy-header", run: ProxyHeaders.run), FuzzTarget(name: "streams", run: ClientFrames.run),
    FuzzTarget(name: "backend-streams", run: OriginFrames.run), FuzzTarget(name: "tls-records", run: TLSRecords.run),
    FuzzTarget(name: "handover", run: Handovers.run),
  ]
}

/// What a target found.
struct Mismatch: Error, CustomStringConvertible {
  let description: String
}

/// Throws what went wrong unless `isTrue`.
func require(_ isTrue: Bool, _ message: @autoclosure () -> String) throws {
  if !isTrue { throw Mismatch(description: message()) }
}

/// Throws unless both are the same.
func requireEqual<Value: Equatable>(_ found: Value, _ expected: Value, _ what: @autoclosure () -> String) throws {
  if found != expected { throw Mismatch(description: "\(what())\n   found: \(found)\nexpected: \(expected)") }
}

/// Places to cut an input at: every one of a short input, some of a long one.
func cuts(of count: Int) -> StrideThrough<Int> { stride(from: 0, through: count, by: count / 192 + 1) }

/// Bytes as text for a message.
func shown(_ bytes: some Collection<UInt8>) -> String { String(decoding: bytes, as: UTF8.self).debugDescription }
