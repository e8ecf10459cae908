/// What a plain server is to do with a request whose head it has read, and nothing of its body.
enum PlainScreening: Sendable {
  /// It is answered so, once its body has come, which may have so many bytes; `finally` is called when that is over, whatever
  /// became of it.
  case take(bodyBound: Int, answer: PlainServer.Answer, finally: @Sendable () -> Void)
  /// It is refused as it stands.
  case refuse(PlainRefusal)
}

/// A refusal with its text.
struct PlainRefusal: Sendable {
  var status: Int
  var contentType: String
  var body: [UInt8]
  /// Further fields, whole lines.
  var fields = ""
}
