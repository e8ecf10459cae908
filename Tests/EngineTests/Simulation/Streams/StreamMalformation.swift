/// Requests that no server of HTTP/2 may take (RFC 9113 §8.2, §8.3): their streams are reset, and nothing else is harmed.
enum StreamMalformation {
  static func fields(_ malformation: Malformation, _ plan: RequestPlan, host: String) -> [(String, String)] {
    let method = (":method", "POST")
    let scheme = (":scheme", "http")
    let path = (":path", plan.target)
    let authority = (":authority", host)
    let whole = [method, scheme, path, authority]
    return switch malformation {
    case .lengthAndCoding, .twoCodings, .codingInOldVersion: whole + [("transfer-encoding", "chunked")]
    case .twoLengths: whole + [("content-length", "5"), ("content-length", "5")]
    case .bareLineFeeds: whole + [("x-bare", "a\nb: c")]
    case .foldedField: whole + [("connection", "x-long"), ("x-long", "a")]
    case .spaceBeforeColon: whole + [("x-space ", "a")]
    case .twoHosts: whole + [("host", "other." + host)]
    case .connect: [(":method", "CONNECT"), authority]
    case .signedLength: whole + [("content-length", "+5")]
    case .zeroByte: whole + [("x-zero", "a\0b")]
    case .noHost: [method, scheme, path]
    case .emptyName: whole + [("", "a")]
    case .bareCarriageReturn: whole + [("x-bare", "a\rb")]
    case .badChunkSize: [method, scheme, authority]
    case .badChunkEnd: whole + [("X-Upper", "a")]
    }
  }
}
