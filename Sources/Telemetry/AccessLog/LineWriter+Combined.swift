import Engine
import Primitives

extension LineWriter {
  /// A record as nginx's `combined` has it, and a line feed: `ADDRESS - - [TIME] "REQUEST" STATUS BYTES "REFERER" "AGENT"`.
  ///
  /// Bytes are those of the whole answer, head included. A client that left before a status counts as 499.
  mutating func appendCombined(
    _ record: AccessRecord, _ time: inout LineTime, _ text: (AccessText) -> UnsafeBufferPointer<UInt8>
  ) {
    if record.hasClient { append(record.client) } else { append("unix:") }
    append(" - - [")
    time.appendCombined(record.time, to: &self)
    append("] \"")
    if text(.method).count > 0 {
      append(escapedCombined: text(.method))
      append(byte: 0x20)
      append(escapedCombined: text(.path))
      append(byte: 0x20)
      append(record.protocolName)
      append("\" ")
    } else {
      append("-\" ")
    }
    append(Int(record.status == 0 ? 499 : record.status), digits: 3)
    append(byte: 0x20)
    append(decimal: record.bytesOut)
    appendCombined(" \"", text(.referer))
    appendCombined("\" \"", text(.userAgent))
    append("\"\n")
  }

  private mutating func appendCombined(_ opening: StaticString, _ text: UnsafeBufferPointer<UInt8>) {
    append(opening)
    if text.count > 0 { append(escapedCombined: text) } else { append(byte: 0x2D) }
  }
}
