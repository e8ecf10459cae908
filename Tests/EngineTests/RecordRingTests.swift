import Testing

@testable import Engine

@Suite struct RecordRingTests {
  private func write(_ ring: RecordRing, _ number: Int) -> Bool {
    var record = AccessRecord()
    record.bytesIn = UInt64(number)
    let path = Array("/path/\(number)".utf8) + [UInt8](repeating: 0x61, count: number % 700)
    return path.withUnsafeBufferPointer { path in
      var texts = [UnsafeBufferPointer<UInt8>](repeating: UnsafeBufferPointer(start: nil, count: 0), count: 14)
      texts[Int(AccessText.path.rawValue)] = path
      return texts.withUnsafeBufferPointer { ring.write(record, $0.baseAddress!) }
    }
  }

  @Test func recordsComeOutAsTheyWentInPastTheEnd() {
    let ring = RecordRing(capacity: 16 << 10)
    var written = 0
    var read = 0
    for _ in 0..<200 {
      while write(ring, written) { written += 1 }
      var count = 0
      while let view = ring.first {
        #expect(view.record.bytesIn == UInt64(read))
        let path = String(decoding: view.text(.path), as: UTF8.self)
        #expect(path.hasPrefix("/path/\(read)"))
        #expect(path.utf8.count == "/path/\(read)".utf8.count + read % 700)
        #expect(view.text(.tenant).count == 0)
        read += 1
        count += 1
        ring.removeFirst()
      }
      #expect(count > 10)
    }
    #expect(read == written)
  }
}
