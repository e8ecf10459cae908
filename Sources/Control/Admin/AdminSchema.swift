/// A schema of the OpenAPI document, and its name there.
struct AdminSchema: Sendable {
  var name: String
  var shape: AdminShape

  init(_ name: String, _ shape: AdminShape) {
    self.name = name
    self.shape = shape
  }
}
