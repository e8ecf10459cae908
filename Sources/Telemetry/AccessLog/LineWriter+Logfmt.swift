import Engine
import Primitives

extension LineWriter {
  /// A record as `key=value` pairs and a line feed.
  mutating func appendLogfmt(
    _ record: AccessRecord, _ time: inout LineTime, _ text: (AccessText) -> UnsafeBufferPointer<UInt8>
  ) {
    append("time=")
    time.appendRFC3339(record.time, to: &self)
    appendLogfmt(" request_id=", text(.requestID))
    appendLogfmt(" tenant=", text(.tenant))
    appendLogfmt(" tenant_source=", text(.tenantSource))
    appendLogfmt(" plan=", text(.plan))
    appendLogfmt(" shard=", text(.shard))
    appendNumber(" epoch=", record.epoch)
    appendLogfmt(" backend=", text(.backend))
    if record.hasClient {
      append(" client=")
      append(record.client)
    }
    appendLogfmt(" method=", text(.method))
    appendLogfmt(" host=", text(.host))
    appendLogfmt(" path=", text(.path))
    if text(.method).count > 0 {
      append(" protocol=")
      append(record.protocolName)
    }
    if record.status > 0 { appendNumber(" status=", Int64(record.status)) }
    appendLogfmt(" code=", text(.code))
    append(" bytes_in=")
    append(decimal: record.bytesIn)
    append(" bytes_out=")
    append(decimal: record.bytesOut)
    appendTime(" duration_ms=", record.duration)
    appendTime(" queue_ms=", record.queued)
    appendTime(" connect_ms=", record.connect)
    appendTime(" first_byte_ms=", record.firstByte)
    appendNumber(" attempts=", Int64(record.attempts))
    appendLogfmt(" limit=", text(.limit))
    appendLogfmt(" affinity=", text(.affinity))
    appendLogfmt(" user_agent=", text(.userAgent))
    appendLogfmt(" referer=", text(.referer))
    append(byte: 0x0A)
  }

  private mutating func appendLogfmt(_ name: StaticString, _ text: UnsafeBufferPointer<UInt8>) {
    guard text.count > 0 else { return }
    append(name)
    if text.allSatisfy({ LineWriter.isPlain($0) && $0 != 0x20 && $0 != 0x3D }) {
      append(text)
    } else {
      append(byte: 0x22)
      append(escapedJSON: text)
      append(byte: 0x22)
    }
  }
}
