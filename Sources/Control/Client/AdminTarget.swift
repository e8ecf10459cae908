import Configuration
import FoundationEssentials
import Platform
import Primitives

/// Where the admin API is called, and what is shown there.
struct AdminTarget: CustomStringConvertible {
  let endpoint: Endpoint
  /// What `Host` says.
  let authority: String
  /// The token that is shown; `nil` shows none.
  private(set) var token: String?
  /// Our side of TLS, and the name that the other side must prove; `nil` speaks in clear.
  private var tls: (client: ClientTLS, name: String)?

  var description: String { "\(endpoint)" }

  /// What a command line names, or else the configuration.
  init(_ invocation: Invocation) throws(CommandFailure) {
    var isSecure = false
    if let path = invocation.value(.socket) {
      endpoint = .unix(path)
      authority = "gatehouse"
    } else if let text = invocation.value(.address) {
      let address = try AdminTarget.address(text)
      (endpoint, authority, isSecure) = (address.endpoint, address.authority, address.isSecure)
    } else {
      let path = try Entrance.configuration(of: invocation)
      let glance = AdminGlance(path: path, environment: ProcessInfo.processInfo.environment)
      endpoint = try AdminTarget.choose(glance, path)
      if case .unix = endpoint {
        authority = "gatehouse"
      } else {
        authority = "\(endpoint)"
        isSecure = glance.isSecure
      }
    }
    if let path = invocation.value(.tokenFile) { token = try AdminTarget.token(in: path) }
    if isSecure { tls = (try AdminTarget.client(invocation), AdminTarget.host(authority)) }
  }

  /// A connection to the API.
  func connect(until deadline: ContinuousClock.Instant) throws(CommandFailure) -> PlainChannel {
    guard var address = SocketAddress(endpoint) else { throw CommandFailure("\(endpoint) is no address") }
    let socket = withUnsafePointer(to: &address) { Socket.connect(to: $0) }
    guard socket >= 0 else { throw CommandFailure("can't call \(self): \(SystemError("connect"))") }
    var channel = PlainChannel(socket: socket, stop: nil)
    guard channel.awaitConnection(until: deadline) else {
      throw CommandFailure("can't call \(self): nobody answers there")
    }
    guard let tls else { return channel }
    // As long-lived as the command.
    let sessions = UnsafeMutablePointer<TLSSessionSlot>.allocate(capacity: 1)
    sessions.initialize(to: TLSSessionSlot())
    let isAddress = IPAddress(tls.name) != nil
    guard channel.connect(tls.client, name: tls.name, isAddress: isAddress, sessions: sessions, until: deadline) else {
      throw CommandFailure("can't call \(self): the handshake of TLS failed; '--ca FILE' says who vouches for it")
    }
    return channel
  }

  /// A Unix socket before anything else.
  private static func choose(_ glance: AdminGlance, _ path: String) throws(CommandFailure) -> Endpoint {
    let isUnix = { (endpoint: Endpoint) in if case .unix = endpoint { true } else { false } }
    guard let endpoint = glance.endpoints.first(where: isUnix) ?? glance.endpoints.first else {
      throw CommandFailure("\(path) has no 'admin' line; add one, or name a --socket or an --address")
    }
    if case .anyAddress(let port) = endpoint { return .tcp(IPAddress(v4: 0x7F00_0001), port: port) }
    return endpoint
  }

  /// Reads `[http[s]://]HOST:PORT`; in clear only what says so, or is this machine.
  private static func address(
    _ text: String
  ) throws(CommandFailure) -> (endpoint: Endpoint, authority: String, isSecure: Bool) {
    var (rest, scheme) = (Substring(text), Substring(""))
    if let mark = text.firstRange(of: "://") { (scheme, rest) = (text[..<mark.lowerBound], text[mark.upperBound...]) }
    if rest.hasSuffix("/") { rest = rest.dropLast() }
    guard ["", "http", "https"].contains(scheme), let colon = rest.lastIndex(of: ":"),
      let port = UInt16(rest[rest.index(after: colon)...]), port > 0
    else { throw CommandFailure("'\(text)' is no address: write HOST:PORT", status: 2) }
    let name = host(String(rest))
    guard let address = IPAddress(name) ?? NameService.addresses(of: name).first else {
      throw CommandFailure("the name '\(name)' can't be resolved")
    }
    return (.tcp(address, port: port), String(rest), scheme == "https" || (scheme.isEmpty && !address.isLoopback))
  }

  /// The host of `HOST:PORT`, without brackets.
  private static func host(_ authority: String) -> String {
    let host = authority.lastIndex(of: ":").map { authority[..<$0] } ?? authority[...]
    return host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : String(host)
  }

  private static func token(in path: String) throws(CommandFailure) -> String {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw CommandFailure("the token in \(path) can't be read")
    }
    let text = String(decoding: data.prefix(4096).filter { $0 > 0x20 }, as: UTF8.self)
    guard GrantToken(text) != nil else { throw CommandFailure("\(path) holds no token") }
    return text
  }

  private static func client(_ invocation: Invocation) throws(CommandFailure) -> ClientTLS {
    var settings = ClientTLSSettings()
    if let path = invocation.value(.authority) {
      guard let data = FileManager.default.contents(atPath: path) else {
        throw CommandFailure("the authorities in \(path) can't be read")
      }
      settings.authorities = [UInt8](data)
    }
    do throws(TLSFault) {
      return try ClientTLS(settings)
    } catch {
      throw CommandFailure("TLS: \(error)")
    }
  }
}
