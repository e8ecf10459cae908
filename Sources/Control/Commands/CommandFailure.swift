/// Why a command came to nothing.
struct CommandFailure: Error, Sendable, Equatable {
  /// What to tell, without a full stop where it is a line.
  var message: String
  /// The exit status.
  var status: Int32 = 1

  init(_ message: String, status: Int32 = 1) {
    self.message = message
    self.status = status
  }
}
