import HTTP

/// What a head says, in the plainest form.
package struct ReferenceHead: Equatable {
  /// One field line.
  package struct Line: Equatable {
    /// The name as it was written.
    package var name: [UInt8]
    /// The value without the blanks around it.
    package var value: [UInt8]
    /// Whether a Connection field names it.
    package var isNamed = false

    /// A field line of these parts.
    package init(name: [UInt8], value: [UInt8], isNamed: Bool = false) {
      self.name = name
      self.value = value
      self.isNamed = isNamed
    }
  }

  /// Method and target, or status and reason.
  package var first: [[UInt8]] = []
  /// 0 or 1.
  package var minorVersion = 0
  /// The field lines in their order.
  package var lines: [Line] = []
  /// How the end of the body is known.
  package var framing = BodyFraming.none
  /// The value of Content-Length, 0 without one.
  package var contentLength: Int64 = 0
  /// Whether the connection stays open.
  package var wantsKeepAlive = false
  /// Bytes of the head.
  package var length = 0

  /// A head of nothing.
  package init() {}

  /// The values of the fields of this name, which is in lower case.
  package func values(_ name: String) -> [[UInt8]] {
    lines.filter { String(decoding: $0.name, as: UTF8.self).lowercased() == name }.map(\.value)
  }
}
