import Tenancy
import Testing

@Suite struct AffinityCookieTests {
  private let key = AffinityKey(bytes: Array(0..<16))

  private func make(_ tenant: String = "acme", shard: UInt64 = 5, epoch: UInt64 = 7) -> [UInt8] {
    var text = [UInt8](repeating: 0, count: AffinityCookie.encodedCount)
    Array(tenant.utf8).withUnsafeBufferPointer {
      AffinityCookie.write(key, tenant: $0, shard: shard, backend: 99, epoch: epoch, expiry: 2_000, into: &text)
    }
    return text
  }

  private func read(
    _ text: [UInt8], _ tenant: String = "acme", shard: UInt64 = 5, epoch: UInt64 = 7, now: Int64 = 1_000,
    key: AffinityKey? = nil
  ) -> AffinityReading {
    Array(tenant.utf8).withUnsafeBufferPointer { tenant in
      text.withUnsafeBufferPointer {
        AffinityCookie.read(
          key ?? self.key, $0.baseAddress!, $0.count, tenant: tenant, shard: shard, epoch: epoch, now: now)
      }
    }
  }

  @Test func whatWasWrittenIsRead() {
    #expect(read(make()) == .good(backend: 99, expiry: 2_000))
    #expect(make().allSatisfy { $0 == 0x2D || $0 == 0x5F || (0x30...0x7A).contains($0) })
  }

  @Test func everyChangedCharacterIsSeen() {
    let text = make()
    for place in text.indices {
      for digit in [UInt8(ascii: "A"), UInt8(ascii: "z"), UInt8(ascii: "-"), UInt8(ascii: "%"), 0]
      where text[place] != digit {
        var changed = text
        changed[place] = digit
        #expect(read(changed) == .forged)
      }
    }
  }

  @Test func itIsVoidForOthers() {
    #expect(read(make("globex")) == .forged)
    #expect(read(make("acm")) == .forged)
    #expect(read(make("acmee")) == .forged)
    #expect(read(make(epoch: 6)) == .stale)
    #expect(read(make(epoch: 8)) == .stale)
    #expect(read(make(), now: 2_000) == .expired)
    #expect(read(make(shard: 6)) == .forged)
    #expect(read(make(), key: AffinityKey(bytes: Array(1..<17))) == .forged)
    #expect(read(Array(make().dropLast())) == .forged)
    #expect(read(make() + [0x41]) == .forged)
  }
}
