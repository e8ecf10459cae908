/// A request that no proxy may pass on, with another one hidden behind it.
enum Malformation: CaseIterable {
  case lengthAndCoding, twoLengths, bareLineFeeds, foldedField, spaceBeforeColon, twoHosts, connect, twoCodings
  case signedLength, zeroByte, codingInOldVersion, noHost, emptyName, bareCarriageReturn
  /// The head is right; the body is not.
  case badChunkSize, badChunkEnd

  /// Whether the head alone says so: nothing of the request may come to a backend.
  var isInHead: Bool {
    switch self {
    case .badChunkSize, .badChunkEnd: false
    default: true
    }
  }

  /// What is sent.
  func bytes(_ plan: RequestPlan, host: String) -> [UInt8] {
    let hidden = "GET \(plan.target) HTTP/1.1\r\nHost: \(host)\r\n\r\n"
    let start = "POST \(plan.target) HTTP/1.1\r\nHost: \(host)\r\n"
    let chunked = start + "Transfer-Encoding: chunked\r\n\r\n"
    switch self {
    case .badChunkSize: return Array((chunked + "0x5\r\nhello\r\n0\r\n\r\n").utf8)
    case .badChunkEnd: return Array((chunked + "5\r\n").utf8) + plan.requestBody.bytes(0, 5) + Array("X\r\n".utf8)
    default: return Array((head(plan, start, host) + hidden).utf8)
    }
  }

  private func head(_ plan: RequestPlan, _ start: String, _ host: String) -> String {
    switch self {
    case .lengthAndCoding: start + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    case .twoLengths: start + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"
    case .bareLineFeeds: "GET \(plan.target) HTTP/1.1\nHost: \(host)\n\n"
    case .foldedField: start + "X-Long: a\r\n b\r\n\r\n"
    case .spaceBeforeColon: start + "Content-Length : 5\r\n\r\nhello"
    case .twoHosts: start + "Host: \(host)\r\n\r\n"
    case .connect: "CONNECT \(host):443 HTTP/1.1\r\nHost: \(host):443\r\n\r\n"
    case .twoCodings: start + "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"
    case .signedLength: start + "Content-Length: +5\r\n\r\nhello"
    case .zeroByte: start + "X-Zero: a\0b\r\n\r\n"
    case .codingInOldVersion:
      "POST \(plan.target) HTTP/1.0\r\nHost: \(host)\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    case .noHost: "GET \(plan.target) HTTP/1.1\r\n\r\n"
    case .emptyName: start + ": a\r\n\r\n"
    case .bareCarriageReturn: start + "X-Bare: a\rb\r\n\r\n"
    case .badChunkSize, .badChunkEnd: ""
    }
  }
}
