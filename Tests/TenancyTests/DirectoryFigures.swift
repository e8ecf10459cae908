import Glibc
import Tenancy
import Testing

/// Figures, not checks: printed when `GATEHOUSE_FIGURES` is set, from a release build.
@Suite(.enabled(if: getenv("GATEHOUSE_FIGURES") != nil), .serialized)
struct DirectoryFigures {
  private static let count = 1_000_000
  private let names = (0..<count).map { (id: Array("tenant-\($0)".utf8), host: Array("t\($0).example.com".utf8)) }

  private func loaded(over previous: TenantDirectory?) -> TenantDirectory {
    var builder = TenantDirectoryBuilder(previous: previous, planLimits: [])
    for name in names {
      if name.id.withUnsafeBufferPointer({ builder.add(TenantLine(id: $0)) }) != .added { Issue.record("not added") }
      if name.host.withUnsafeBufferPointer({ builder.add(host: $0) }) != .added { Issue.record("not added") }
    }
    return builder.finish()
  }

  @Test func aMillionTenants() {
    let before = residentBytes()
    let start = now()
    let directory = loaded(over: nil)
    let built = now()
    let bytes = residentBytes() - before
    let again = now()
    let same = loaded(over: directory)
    let declared = now()
    let more = residentBytes() - before - bytes
    #expect(same.count == directory.count)
    var found = 0
    let places = (0..<Self.count).map { _ in Int.random(in: 0..<Self.count) }
    let asked = now()
    for place in places {
      let host = names[place].host
      if host.withUnsafeBufferPointer({ directory.tenant(host: $0.baseAddress!, $0.count) }) == place { found += 1 }
    }
    let answered = now()
    #expect(found == Self.count)
    print("| a look-up by host among 1,000,000 tenants, at random | \((answered - asked) / Int64(Self.count)) ns |")
    print("| directory of 1,000,000 tenants | \(milliseconds(built - start)) ms, \(bytes / Self.count) B a tenant |")
    print("| the same declared anew | \(milliseconds(declared - again)) ms, \(more >> 10) KiB more |")
  }

  @Test func editsOfOneAmongAMillion() {
    var directory = loaded(over: nil)
    var worst: [String: Int64] = [:]
    var sum: [String: Int64] = [:]
    let rounds = 1_000
    for round in 0..<rounds {
      func time(_ name: String, _ edit: (inout TenantDirectoryBuilder) -> Void) {
        let start = now()
        var builder = TenantDirectoryBuilder(editing: directory)
        edit(&builder)
        // The old version ends here, as it does in the control thread.
        directory = builder.finish()
        let took = now() - start
        worst[name] = max(worst[name] ?? 0, took)
        sum[name, default: 0] += took
      }
      let number = round * 997 % Self.count
      var record = TenantRecord(id: "tenant-\(number)")
      record.epoch = 1
      record.hosts = ["t\(number).example.com"]
      time("epoch") { _ = $0.add(record) }
      record.hosts = ["other\(number).example.com", "t\(number).example.com"]
      time("host") { _ = $0.add(record) }
      time("delete") { _ = $0.remove(record.id) }
      time("add") { _ = $0.add(record) }
    }
    #expect(directory.count == Self.count)
    for name in ["add", "epoch", "host", "delete"] {
      print(
        "| edit of one tenant among 1,000,000: \(name) | \(sum[name, default: 0] / Int64(rounds) / 1_000) µs,",
        "at most \(worst[name, default: 0] / 1_000) µs |")
    }
  }

  private func milliseconds(_ time: Int64) -> Int64 { time / 1_000_000 }

  private func residentBytes() -> Int {
    guard let file = fopen("/proc/self/statm", "r") else { return 0 }
    defer { fclose(file) }
    var text = [CChar](repeating: 0, count: 128)
    guard fgets(&text, 128, file) != nil else { return 0 }
    let words = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self).split(
      separator: " ")
    return (words.count > 1 ? Int(words[1]) ?? 0 : 0) * Int(sysconf(Int32(_SC_PAGESIZE)))
  }

  private func now() -> Int64 {
    var time = timespec()
    _ = clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}
