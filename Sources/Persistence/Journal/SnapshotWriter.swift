import Glibc

/// A snapshot on its way to the disk, beside the one in place. Used by one thread at a time.
public final class SnapshotWriter: @unchecked Sendable {
  // Unchecked: whoever has it sees to it that one thread uses it at a time.
  /// Bytes that are held before they are written.
  private static let piece = 1 << 20

  /// Where it is until it is put in place.
  let path: String
  /// Which snapshot it will be.
  let generation: UInt64
  private let calls: FileCalls
  private var file: Int32
  private var pending: [UInt8] = []
  private var size = 0

  init(_ place: String, _ calls: FileCalls, title: [UInt8], generation: UInt64) throws(PersistenceError) {
    path = place + ".new"
    self.generation = generation
    self.calls = calls
    file = try calls.create(path)
    RecordFrame.append(title + Array(String(generation).utf8), to: &pending)
  }

  deinit { if file >= 0 { close(file) } }

  /// Adds a record.
  public func add(_ record: [UInt8]) throws(PersistenceError) {
    RecordFrame.append(record, to: &pending)
    if pending.count >= SnapshotWriter.piece { try flush() }
  }

  private func flush() throws(PersistenceError) {
    try calls.write(pending, to: file, at: size, path)
    size += pending.count
    pending.removeAll(keepingCapacity: true)
  }

  /// Writes what is left, down to the disk.
  public func finish() throws(PersistenceError) {
    try flush()
    try calls.settle(file, path)
    close(file)
    file = -1
  }
}
