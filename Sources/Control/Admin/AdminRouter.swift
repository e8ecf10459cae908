/// Finds the row of a request among those of the admin API.
struct AdminRouter: Sendable {
  /// What a request leads to.
  enum Finding {
    case route(AdminRoute, [String: String])
    /// The path is there, but only for these methods.
    case wrongMethod([String])
    case nowhere
    /// The path is no text.
    case malformed
  }

  /// A segment of a row's path.
  private enum Segment: Sendable {
    case literal(String)
    /// `{name}`, and what must follow it: nothing, or a colon and a verb.
    case parameter(String, verb: String)
  }

  private struct Row: Sendable {
    var segments: [Segment]
    var route: AdminRoute
  }

  /// Segments of a path at most.
  static let deepest = 16

  private let rows: [Row]

  init(_ routes: [AdminRoute]) {
    rows = routes.map { route in
      Row(segments: route.path.split(separator: "/").map(AdminRouter.segment), route: route)
    }
  }

  /// The rows, in the order they were given.
  var routes: [AdminRoute] { rows.map(\.route) }

  private static func segment(_ text: Substring) -> Segment {
    guard text.hasPrefix("{"), let end = text.firstIndex(of: "}") else { return .literal(String(text)) }
    let name = text[text.index(after: text.startIndex)..<end]
    return .parameter(String(name), verb: String(text[text.index(after: end)...]))
  }

  /// The row for a request; a path of words goes before one with a parameter, one with a verb before one without.
  func find(_ method: String, _ path: String) -> Finding {
    let parts = path.split(separator: "/", maxSplits: AdminRouter.deepest, omittingEmptySubsequences: false).dropFirst()
    var best: (rank: Int, rows: [Row]) = (-1, [])
    for row in rows {
      guard let rank = AdminRouter.rank(row.segments, parts), rank >= best.rank else { continue }
      best = (rank, (rank == best.rank ? best.rows : []) + [row])
    }
    guard !best.rows.isEmpty else { return .nowhere }
    let wanted = method == "HEAD" ? "GET" : method
    guard let row = best.rows.first(where: { $0.route.method == wanted }) else {
      return .wrongMethod(
        best.rows.map(\.route.method) + (best.rows.contains { $0.route.method == "GET" } ? ["HEAD"] : []))
    }
    guard let parameters = AdminRouter.parameters(row.segments, parts) else { return .malformed }
    return .route(row.route, parameters)
  }

  /// How well a path fits; `nil` when it doesn't.
  private static func rank(_ segments: [Segment], _ parts: ArraySlice<Substring>) -> Int? {
    guard segments.count == parts.count else { return nil }
    var rank = 0
    for (segment, part) in zip(segments, parts) {
      switch segment {
      case .literal(let text):
        guard text == part else { return nil }
        rank = rank * 3 + 2
      case .parameter(_, let verb):
        guard part.hasSuffix(verb), part.utf8.count > verb.utf8.count else { return nil }
        rank = rank * 3 + (verb.isEmpty ? 0 : 1)
      }
    }
    return rank
  }

  private static func parameters(_ segments: [Segment], _ parts: ArraySlice<Substring>) -> [String: String]? {
    var parameters: [String: String] = [:]
    for case (.parameter(let name, let verb), let part) in zip(segments, parts) {
      guard let value = AdminQuery.decode(part.dropLast(verb.count)) else { return nil }
      parameters[name] = value
    }
    return parameters
  }
}
