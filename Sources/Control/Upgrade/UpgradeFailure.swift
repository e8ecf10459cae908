/// Why an upgrade did not come about, in the operator's words.
struct UpgradeFailure: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}
