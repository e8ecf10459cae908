import Tenancy
import Testing

@Suite struct DirectoryScaleTests {
  private func index(_ directory: TenantDirectory, id: String) -> TenantIndex {
    Array(id.utf8).withUnsafeBufferPointer { directory.tenant(id: $0.baseAddress!, $0.count) }
  }

  private func index(_ directory: TenantDirectory, host: String) -> TenantIndex {
    Array(host.utf8).withUnsafeBufferPointer { directory.tenant(host: $0.baseAddress!, $0.count) }
  }

  private func made(_ numbers: [Int], previous: TenantDirectory? = nil) -> TenantDirectory {
    var builder = TenantDirectoryBuilder(previous: previous, planLimits: [])
    for number in numbers {
      var record = TenantRecord(id: "tenant-\(number)")
      record.hosts = ["t\(number).example.com", "*.w\(number).example.net"]
      record.line = number
      #expect(builder.add(record) == .added)
    }
    return builder.finish()
  }

  @Test func aHundredThousandKeepTheirNumbersOverARebuild() {
    let first = made(Array(0..<100_000))
    // Every third one goes, new ones come, in another order.
    let kept = (0..<100_000).filter { $0 % 3 != 0 }
    let second = made(Array((100_000..<110_000).reversed()) + kept.reversed(), previous: first)
    #expect(second.count == kept.count + 10_000 && second.capacity == 110_000)
    var misses = 0
    for number in 0..<110_000 {
      let tenant = index(second, id: "tenant-\(number)")
      let isThere = number >= 100_000 || number % 3 != 0
      let isRight =
        isThere
        ? tenant >= 0 && second.isLive(tenant) && second.source(of: tenant).line == number
          && index(second, host: "t\(number).example.com") == tenant
          && index(second, host: "a.b.w\(number).example.net") == tenant
          && index(second, host: "w\(number).example.net") == -1
          && (number >= 100_000 ? tenant >= 100_000 : tenant == index(first, id: "tenant-\(number)"))
        : tenant == -1 && index(second, host: "t\(number).example.com") == -1
      if !isRight { misses += 1 }
    }
    #expect(misses == 0)
    for number in stride(from: 0, to: 100_000, by: 3) { #expect(!second.isLive(TenantIndex(number))) }
    #expect(!second.isLive(-1) && !second.isLive(110_000))
  }

  /// A number given up is not given again however often the directory is rebuilt.
  @Test func numbersGivenUpStayGivenUp() {
    var directory = made([0, 1, 2])
    var seen: Set<TenantIndex> = []
    for round in 1...50 {
      directory = made([1_000 + round], previous: directory)
      #expect(seen.insert(index(directory, id: "tenant-\(1_000 + round)")).inserted)
    }
    #expect(seen == Set(3..<53) && directory.count == 1)
  }
}
