import ConfigLanguage
import Platform
import Primitives

extension Verb {
  /// What `top` does.
  static let ofTop = [
    Verb(name: "", options: [.limit, .watch], summary: Command.top.summary) { (invocation) throws(CommandFailure) in
      let client = try AdminClient(invocation)
      while true {
        let reply = try client.call("GET", "/v1/top", query: [("limit", invocation.value(.limit) ?? "20")])
        if invocation.isJSON {
          _ = show(reply)
        } else {
          print(text(of: try AdminClient.decode(TopAnswer.self, reply.body)), terminator: "")
        }
        guard invocation.has(.watch) else { return 0 }
        Entrance.flush()
        Machine.rest(nanoseconds: 2 * .second)
      }
    }
  ]

  private static func text(of top: TopAnswer) -> String {
    var table = TextTable(
      ["TENANT", "REQ/S", "ERR/S", "LIMITED/S", "IN/S", "OUT/S", "IN FLIGHT"], numbers: [1, 2, 3, 4, 5, 6])
    for item in top.items {
      table.add([
        item.tenant, rate(item.requests), rate(item.errors), rate(item.limited), size(item.bytesIn),
        size(item.bytesOut), "\(item.inFlight)",
      ])
    }
    return table.text
  }

  /// A rate with one digit behind the point.
  private static func rate(_ value: Double) -> String {
    let tenths = Int64((value * 10).rounded())
    return "\(tenths / 10).\(tenths % 10)"
  }

  /// Bytes in the largest unit of which there are ten.
  private static func size(_ value: Double) -> String {
    let bytes = Int64(value.rounded())
    let unit = Quantity.sizeUnits.last { bytes >= 10 * $0.size } ?? Quantity.sizeUnits[0]
    return "\(bytes / unit.size)\(unit.name)"
  }
}
