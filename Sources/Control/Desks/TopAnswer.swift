/// The busiest tenants, all figures of a second.
struct TopAnswer: Codable, Sendable {
  struct Item: Codable, Sendable {
    var tenant: String
    var requests: Double
    var errors: Double
    var limited: Double
    var bytesIn: Double
    var bytesOut: Double
    var inFlight: Int

    enum CodingKeys: String, CodingKey {
      case tenant, requests, errors, limited
      case bytesIn = "bytes_in"
      case bytesOut = "bytes_out"
      case inFlight = "in_flight"
    }
  }

  var items: [Item]
  var next: String?

  enum CodingKeys: CodingKey { case items, next }

  init(items: [Item]) { self.items = items }

  func encode(to encoder: any Encoder) throws {
    var members = encoder.container(keyedBy: CodingKeys.self)
    try members.encode(items, forKey: .items)
    try members.encode(next, forKey: .next)
  }
}
