/// The bytes that hexadecimal digits spell; blanks between them don't count.
func hex(_ text: String) -> [UInt8] {
  let digits = text.utf8.filter { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\n") }.map { UInt8($0) }
  return stride(from: 0, to: digits.count, by: 2).map {
    UInt8(String(decoding: digits[$0...$0 + 1], as: UTF8.self), radix: 16)!
  }
}
