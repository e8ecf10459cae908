import Engine
import Primitives
import Telemetry

/// A record and its texts, as a worker would hand them over.
struct SampleRecord {
  var record = AccessRecord()
  var texts: [AccessText: [UInt8]] = [:]

  /// Its line.
  func line(_ format: AccessLogFormat) -> [UInt8] {
    var formatter = AccessLogFormatter(format: format)
    var lines: [UInt8] = []
    append(to: &lines, &formatter)
    return lines
  }

  /// Its line as text.
  func text(_ format: AccessLogFormat) -> String { String(decoding: line(format), as: UTF8.self) }

  /// Adds its line.
  func append(to lines: inout [UInt8], _ formatter: inout AccessLogFormatter) {
    let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: texts.values.reduce(1) { $0 + $1.count })
    defer { memory.deallocate() }
    var ranges = [UnsafeBufferPointer<UInt8>](
      repeating: UnsafeBufferPointer(start: nil, count: 0), count: AccessText.allCases.count)
    var place = 0
    for (text, bytes) in texts {
      (memory + place).update(from: bytes, count: bytes.count)
      ranges[Int(text.rawValue)] = UnsafeBufferPointer(start: memory + place, count: bytes.count)
      place += bytes.count
    }
    formatter.append(record, texts: { ranges[Int($0.rawValue)] }, to: &lines)
  }

  /// A request that went well, with every fact that there is.
  static var full: SampleRecord {
    var sample = SampleRecord()
    sample.record.time = 1_795_494_673_012_345_678
    sample.record.duration = 12_345_678
    sample.record.queued = 1_000_000
    sample.record.connect = 250_000
    sample.record.firstByte = 9_001_000
    sample.record.bytesIn = 431
    sample.record.bytesOut = 18_446_744_073_709_551_615
    sample.record.epoch = 7
    sample.record.client = IPAddress(v4: 0xCB00_7109)
    sample.record.clientPort = 50_000
    sample.record.status = 200
    sample.record.attempts = 1
    let texts: [(AccessText, String)] = [
      (.requestID, "0af7651916cd43dd"), (.tenant, "acme"), (.tenantSource, "host"), (.plan, "gold"), (.shard, "eu-1"),
      (.backend, "10.2.0.11:8080"), (.method, "GET"), (.host, "app.acme.example"), (.path, "/orders?page=2"),
      (.code, "rate_limited"), (.limit, "requests"), (.affinity, "kept"), (.userAgent, "curl/8.5 (x; y=1)"),
      (.referer, "https://acme.example/"),
    ]
    for (text, string) in texts { sample.texts[text] = Array(string.utf8) }
    return sample
  }

  /// A client of a Unix socket that sent nothing that could be read and left before an answer.
  static var bare: SampleRecord {
    var sample = SampleRecord()
    sample.record.duration = 999
    return sample
  }
}
