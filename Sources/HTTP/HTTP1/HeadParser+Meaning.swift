import Primitives

extension HeadParser {
  /// Finds host, framing and what `Connection` says; false if the request is malformed or ambiguous.
  mutating func interpretRequest(_ base: UnsafePointer<UInt8>) -> Bool {
    hasUnusualLength = false
    guard interpretHost(base) else { return false }
    let options = section.seen.contains(.connection) ? readConnectionOptions(base) : ConnectionOptions()
    guard options.isWellFormed else { return false }
    request.wantsKeepAlive = !options.hasClose && (request.minorVersion == 1 || options.hasKeepAlive)
    if !section.seen.isDisjoint(with: [FieldSet(.contentLength), FieldSet(.transferEncoding)]) {
      guard interpretFraming(base) else { return false }
    }
    if options.hasUpgrade, request.minorVersion == 1, request.framing == .none {
      request.wantsUpgrade = asksForTunnel(base)
    }
    return true
  }

  /// The framing of a request that says something of it (RFC 9112 §6.3).
  private mutating func interpretFraming(_ base: UnsafePointer<UInt8>) -> Bool {
    let framing = readFraming(base, minorVersion: request.minorVersion)
    guard framing.isWellFormed else { return false }
    request.contentLength = framing.length
    request.framing = framing.isChunked ? .chunked : framing.length > 0 ? .length : .none
    if request.framing != .none, request.minorVersion == 1, let field = field(.expect) {
      request.expectsContinue = Octet.matches(base + Int(field.value.start), field.value.count, "100-continue")
    }
    return true
  }

  /// Checks the Host field, and that it agrees with the authority of an absolute target (RFC 9112 §3.2.2, §7.2).
  private mutating func interpretHost(_ base: UnsafePointer<UInt8>) -> Bool {
    guard section.seen.contains(.host) else {
      guard request.minorVersion == 0 else { return false }
      guard request.isAbsoluteForm else { return true }
      guard let authority = Authority(base, request.host, hostName) else { return false }
      request.hostNameCount = narrow(authority.nameCount)
      return true
    }
    let field = fields[Int(places[Int(FieldName.host.rawValue)])]
    guard !section.repeated.contains(.host), !field.hasUnderscore, hasPlainBlanks(base, field),
      let host = Authority(base, field.value, hostName)
    else { return false }
    if request.isAbsoluteForm, !agrees(base, host) { return false }
    request.host = field.value
    request.hostNameCount = narrow(host.nameCount)
    return true
  }

  /// Whether the target's authority names the host in `hostName`; a port left out is the scheme's.
  @inline(never)
  private func agrees(_ base: UnsafePointer<UInt8>, _ host: Authority) -> Bool {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: HostName.maximumCount + 1) { buffer in
      guard let name = buffer.baseAddress, let authority = Authority(base, request.host, name) else { return false }
      // `http:` or `https:`
      let port: Int32 = base[Int(request.target.start) + 4] == Octet.colon ? 80 : 443
      guard authority.nameCount == host.nameCount, authority.port ?? port == host.port ?? port else { return false }
      return (0..<host.nameCount).allSatisfy { name[$0] == hostName[$0] }
    }
  }

  /// Whether Upgrade names exactly one protocol, which isn't a kind of HTTP or TLS: those would hide requests from us.
  private func asksForTunnel(_ base: UnsafePointer<UInt8>) -> Bool {
    guard let field = field(.upgrade), !section.repeated.contains(.upgrade), !field.value.isEmpty else { return false }
    let (p, count) = (base + Int(field.value.start), field.value.count)
    var slashes = 0
    for index in 0..<count {
      if p[index] == UInt8(ascii: "/") { slashes += 1 } else if !Octet.isToken(p[index]) { return false }
    }
    guard slashes <= 1, p[0] != UInt8(ascii: "/"), p[count - 1] != UInt8(ascii: "/") else { return false }
    let isHTTP2 = count >= 2 && Octet.matches(p, 2, "h2")
    let isHTTP = count >= 4 && Octet.matches(p, 4, "http")
    let isTLS = count >= 3 && Octet.matches(p, 3, "tls")
    return !isHTTP2 && !isHTTP && !isTLS
  }

  /// Finds framing and what `Connection` says; false if the response is malformed or ambiguous.
  mutating func interpretResponse(_ base: UnsafePointer<UInt8>, toHead: Bool) -> Bool {
    hasUnusualLength = false
    let options = section.seen.contains(.connection) ? readConnectionOptions(base) : ConnectionOptions()
    let framing = readFraming(base, minorVersion: response.minorVersion)
    guard options.isWellFormed, framing.isWellFormed else { return false }
    response.contentLength = framing.length
    response.isUpgrade = response.status == 101
    if response.isUpgrade, response.minorVersion == 0 { return false }
    if response.status < 200 || response.status == 204 {
      // These may not say anything of a body (RFC 9112 §6.1, RFC 9110 §8.6); a length of 0 is harmless.
      guard !framing.isChunked, framing.length == 0 else { return false }
      response.framing = .none
    } else if toHead || response.status == 304 {
      response.framing = .none
    } else if framing.isChunked {
      response.framing = .chunked
    } else if framing.hasLength {
      response.framing = framing.length > 0 ? .length : .none
    } else {
      response.framing = .untilClose
    }
    response.wantsKeepAlive =
      response.framing != .untilClose && !options.hasClose && (response.minorVersion == 1 || options.hasKeepAlive)
    return true
  }
}
