import Tenancy
import Testing

/// Cookies that somebody else has made or changed.
@Suite struct AffinityTamperTests {
  private let key = AffinityKey(bytes: Array(0..<16))
  private let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

  private func cookie(backend: UInt64 = 99, expiry: Int64 = 2_000) -> [UInt8] {
    var text = [UInt8](repeating: 0, count: AffinityCookie.encodedCount)
    Array("acme".utf8).withUnsafeBufferPointer {
      AffinityCookie.write(key, tenant: $0, shard: 5, backend: backend, epoch: 7, expiry: expiry, into: &text)
    }
    return text
  }

  private func read(_ text: [UInt8], now: Int64 = 1_000) -> AffinityReading {
    Array("acme".utf8).withUnsafeBufferPointer { tenant in
      (text + [0]).withUnsafeBufferPointer {
        AffinityCookie.read(key, $0.baseAddress!, text.count, tenant: tenant, shard: 5, epoch: 7, now: now)
      }
    }
  }

  @Test func anyOtherByteAtAnyPlaceIsForged() {
    let text = cookie()
    #expect(read(text) == .good(backend: 99, expiry: 2_000))
    for place in text.indices {
      for byte in 0...255 as ClosedRange<UInt8> where byte != text[place] {
        var changed = text
        changed[place] = byte
        if read(changed) != .forged { Issue.record("byte \(byte) at \(place)") }
      }
    }
  }

  @Test func garbageIsForged() {
    #expect(read([]) == .forged)
    for count in [0, 1, 39, 41, 60, 120, 4096] { #expect(read([UInt8](repeating: 0x41, count: count)) == .forged) }
    for byte in [0x41, 0x5F, 0x3D, 0x2B, 0x2F, 0x20, 0, 0xFF] as [UInt8] {
      #expect(read([UInt8](repeating: byte, count: 40)) == .forged)
    }
    var random = SystemRandomNumberGenerator()
    for _ in 0..<2_000 {
      #expect(read((0..<40).map { _ in digits[Int.random(in: 0..<64, using: &random)] }) == .forged)
    }
  }

  @Test(arguments: [0, 1, 0x0102_0304_0506_0708, .max] as [UInt64])
  func everyBackendIsTold(backend: UInt64) {
    #expect(read(cookie(backend: backend)) == .good(backend: backend, expiry: 2_000))
  }

  @Test func itHoldsUntilTheSecondOfItsExpiry() {
    #expect(read(cookie(), now: 1_999) == .good(backend: 99, expiry: 2_000))
    #expect(read(cookie(), now: 2_000) == .expired)
    #expect(read(cookie(), now: .max) == .expired)
    #expect(read(cookie(expiry: -5), now: 0) == .expired)
    // Four bytes hold the seconds; a later end is cut to the last of them.
    #expect(read(cookie(expiry: .max)) == .good(backend: 99, expiry: 4_294_967_295))
  }

  @Test func aShortKeyIsFilledWithZeroes() {
    let short = AffinityKey(bytes: [1, 2, 3])
    let long = AffinityKey(bytes: [1, 2, 3] + [UInt8](repeating: 0, count: 13))
    func made(_ key: AffinityKey) -> [UInt8] {
      var text = [UInt8](repeating: 0, count: AffinityCookie.encodedCount)
      Array("acme".utf8).withUnsafeBufferPointer {
        AffinityCookie.write(key, tenant: $0, shard: 1, backend: 1, epoch: 1, expiry: 1, into: &text)
      }
      return text
    }
    #expect(made(short) == made(long) && made(short) != made(key))
  }
}
