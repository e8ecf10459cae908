import Glibc

/// The target that `GATEHOUSE_FUZZ_TARGET` names; without one, their names are printed and that is all.
private let target: FuzzTarget = {
  let name = getenv("GATEHOUSE_FUZZ_TARGET").map { String(cString: $0) }
  if let target = FuzzTarget.all.first(where: { $0.name == name }) {
    OpenSSLMemory.count()
    return target
  }
  print(FuzzTarget.all.map(\.name).joined(separator: "\n"))
  exit(name == nil ? 0 : 2)
}()

/// Takes one input of libFuzzer's, whose library holds this program's main function.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzz(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  do {
    try target.run(Array(UnsafeBufferPointer(start: bytes, count: count)))
  } catch {
    fatalError("\(error)")
  }
  return 0
}
