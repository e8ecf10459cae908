import ConfigLanguage
import Primitives

/// Reads addresses as `listen`, `metrics`, `backend` and `trust` write them, or says what is wrong with them.
struct AddressReader {
  /// The most bytes of a Unix socket's path (sockaddr_un, less its final zero).
  static let longestPath = 107

  let diagnostics: DiagnosticCollector
  let names: NameResolution

  /// An address to listen on: IP and port, `*` and port, or a Unix socket.
  func listenAddress(_ word: Word) -> Endpoint? {
    if word.text.hasPrefix("unix:") { return unixSocket(word) }
    guard let (host, port) = split(word, isListening: true) else { return nil }
    if host == "*" { return .anyAddress(port: port) }
    if let address = address(host) { return .tcp(address, port: port) }
    let isLocal = host == "localhost"
    complain(
      word, "\(Word.shown(host)) is not an IP address",
      isLocal ? "did you mean '127.0.0.1:\(port)'?" : "write an IP address, or '*' for all")
    return nil
  }

  /// The address of a backend: IP and port, name and port, or a Unix socket.
  func backendAddress(_ word: Word) -> Endpoint? {
    if word.text.hasPrefix("unix:") { return unixSocket(word) }
    for scheme in ["http://", "https://"] where word.text.hasPrefix(scheme) {
      let rest = word.text.dropFirst(scheme.count).prefix { $0 != "/" }
      complain(word, "\(word.shown) is a URL, not an address", "did you mean '\(rest)'?")
      return nil
    }
    guard let (host, port) = split(word, isListening: false) else { return nil }
    guard port > 0 else {
      complain(word, "port 0 can't be connected to", nil)
      return nil
    }
    if let address = address(host) { return .tcp(address, port: port) }
    guard AddressReader.isName(host) else {
      complain(word, "\(Word.shown(host)) is neither an IP address nor a name", nil)
      return nil
    }
    guard let address = names.address(of: host) else {
      complain(word, "the name \(Word.shown(host)) can't be resolved", nil)
      return nil
    }
    return .tcp(address, port: port)
  }

  /// A network in CIDR form, or a single address.
  func network(_ word: Word) -> IPNetwork? {
    let parts = word.text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard let address = IPAddress(parts[0]) else {
      complain(word, "\(word.shown) is not a network", "networks look like 10.0.0.0/8 or fd00::/8")
      return nil
    }
    let width: Int64 = address.isV4 ? 32 : 128
    guard parts.count == 2 else { return IPNetwork(address, bits: 128) }
    guard let bits = Quantity.count(String(parts[1])), bits <= width else {
      complain(
        word, "'/\(Word.shown(String(parts[1])).dropFirst().dropLast())' is not a prefix of 0 to \(width) bits", nil)
      return nil
    }
    let network = IPNetwork(address, bits: 128 - Int(width - bits))
    if network.base != address {
      diagnostics.warn(
        "the last bits of \(word.shown) mean nothing", at: word.range,
        suggestion: "did you mean '\(network.base)/\(bits)'?")
    }
    return network
  }

  /// Cuts `HOST:PORT`; brackets of IPv6 addresses stay.
  private func split(_ word: Word, isListening: Bool) -> (host: String, port: UInt16)? {
    let text = word.text
    guard let colon = text.utf8.lastIndex(of: UInt8(ascii: ":")), text.utf8.last != UInt8(ascii: "]")
    else {
      complain(word, "\(word.shown) has no port", portHint(text, isListening))
      return nil
    }
    let host = String(text[..<colon])
    if host.utf8.contains(UInt8(ascii: ":")), host.utf8.first != UInt8(ascii: "[") {
      let port = text[text.index(after: colon)...]
      let hint = IPAddress(host) != nil ? "did you mean '[\(host)]:\(port)'?" : "write '[ADDRESS]:PORT'"
      complain(word, "an IPv6 address stands in brackets", hint)
      return nil
    }
    let port = String(text[text.index(after: colon)...])
    guard let number = Quantity.count(port), number <= 65_535 else {
      complain(word, "\(Word.shown(port)) is not a port", "ports are 1 to 65535")
      return nil
    }
    guard !host.isEmpty else {
      complain(word, "\(word.shown) has no host", isListening ? "did you mean '*:\(port)'?" : nil)
      return nil
    }
    return (host, UInt16(number))
  }

  private func portHint(_ text: String, _ isListening: Bool) -> String? {
    if let port = Quantity.count(text), (1...65_535).contains(port) {
      return isListening ? "did you mean '*:\(port)'?" : "write 'HOST:\(port)'"
    }
    return AddressReader.isName(text) || IPAddress(text) != nil || text.hasSuffix("]") || text == "*"
      ? "write '\(text):PORT'" : nil
  }

  private func unixSocket(_ word: Word) -> Endpoint? {
    let path = String(word.text.dropFirst(5))
    guard path.hasPrefix("/"), path.utf8.count > 1 else {
      complain(word, "a Unix socket is named by a full path", "write 'unix:/path'")
      return nil
    }
    guard path.utf8.count <= AddressReader.longestPath else {
      complain(
        word, "a socket's path may have \(AddressReader.longestPath) bytes, this one has \(path.utf8.count)", nil)
      return nil
    }
    return .unix(path)
  }

  private func address(_ host: String) -> IPAddress? {
    if host.hasPrefix("[") {
      guard host.hasSuffix("]"), let address = IPAddress(host.dropFirst().dropLast()), !address.isV4 else { return nil }
      return address
    }
    guard let address = IPAddress(host), address.isV4 else { return nil }
    return address
  }

  /// Whether `text` can be the name of a machine; four numbers are meant as an IP address and can't.
  private static func isName(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.count <= 253 && text.utf8.allSatisfy(\.isNameByte)
      && text.utf8.contains { !(0x30...0x39).contains($0) && $0 != 0x2E }
  }

  private func complain(_ word: Word, _ message: String, _ suggestion: String?) {
    diagnostics.error(message, at: word.range, suggestion: suggestion)
  }
}
