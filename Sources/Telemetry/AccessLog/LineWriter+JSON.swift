import Engine
import Primitives

extension LineWriter {
  /// A record as a JSON object and a line feed.
  mutating func appendJSON(
    _ record: AccessRecord, _ time: inout LineTime, _ text: (AccessText) -> UnsafeBufferPointer<UInt8>
  ) {
    append("{\"time\":\"")
    time.appendRFC3339(record.time, to: &self)
    append(byte: 0x22)
    appendJSON(",\"request_id\":\"", text(.requestID))
    appendJSON(",\"tenant\":\"", text(.tenant))
    appendJSON(",\"tenant_source\":\"", text(.tenantSource))
    appendJSON(",\"plan\":\"", text(.plan))
    appendJSON(",\"shard\":\"", text(.shard))
    appendNumber(",\"epoch\":", record.epoch)
    appendJSON(",\"backend\":\"", text(.backend))
    if record.hasClient {
      append(",\"client\":\"")
      append(record.client)
      append(byte: 0x22)
    }
    appendJSON(",\"method\":\"", text(.method))
    appendJSON(",\"host\":\"", text(.host))
    appendJSON(",\"path\":\"", text(.path))
    if text(.method).count > 0 {
      append(",\"protocol\":\"")
      append(record.protocolName)
      append(byte: 0x22)
    }
    if record.status > 0 { appendNumber(",\"status\":", Int64(record.status)) }
    appendJSON(",\"code\":\"", text(.code))
    append(",\"bytes_in\":")
    append(decimal: record.bytesIn)
    append(",\"bytes_out\":")
    append(decimal: record.bytesOut)
    appendTime(",\"duration_ms\":", record.duration)
    appendTime(",\"queue_ms\":", record.queued)
    appendTime(",\"connect_ms\":", record.connect)
    appendTime(",\"first_byte_ms\":", record.firstByte)
    appendNumber(",\"attempts\":", Int64(record.attempts))
    appendJSON(",\"limit\":\"", text(.limit))
    appendJSON(",\"affinity\":\"", text(.affinity))
    appendJSON(",\"user_agent\":\"", text(.userAgent))
    appendJSON(",\"referer\":\"", text(.referer))
    append("}\n")
  }

  @inline(__always)
  private mutating func appendJSON(_ opening: StaticString, _ text: UnsafeBufferPointer<UInt8>) {
    guard text.count > 0 else { return }
    append(opening)
    append(escapedJSON: text)
    append(byte: 0x22)
  }

  /// `name` and a number, unless that is negative: absent.
  @inline(__always)
  mutating func appendNumber(_ name: StaticString, _ value: Int64) {
    guard value >= 0 else { return }
    append(name)
    append(decimal: UInt64(value))
  }

  /// `name` and nanoseconds as milliseconds, unless they are negative: absent.
  @inline(__always)
  mutating func appendTime(_ name: StaticString, _ nanoseconds: Int64) {
    guard nanoseconds >= 0 else { return }
    append(name)
    append(milliseconds: nanoseconds)
  }
}

extension AccessRecord {
  /// Whether the client has an address: clients of Unix sockets have none.
  var hasClient: Bool { client != IPAddress(high: 0, low: 0) }
}
