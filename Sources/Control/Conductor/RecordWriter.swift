import Engine
import Platform
import Synchronization
import Telemetry

/// The thread that takes access records from the workers' rings and writes them down.
final class RecordWriter: Sendable {
  /// Nanoseconds between two looks at empty rings.
  private static let rest: Int64 = 20_000_000
  private let isStopping = Atomic<Bool>(false)
  private let wantsReopen = Atomic<Bool>(false)
  private let thread: Mutex<Platform.Thread?> = Mutex(nil)
  private let file: AccessLogFile

  init(file: AccessLogFile) { self.file = file }

  /// Starts the thread: it writes the records of `engine` in `format` until `stop()`.
  func start(_ engine: Engine, format: AccessLogFormat) throws(SystemError) {
    let thread = try Platform.Thread(name: "access-log") { [self] in
      var formatter = AccessLogFormatter(format: format)
      var isLast = false
      while true {
        if wantsReopen.exchange(false, ordering: .relaxed) { file.reopen() }
        let count = engine.drainRecords { view in
          formatter.append(view.record, texts: { view.text($0) }, to: &file.pending)
          file.flushIfFull()
        }
        file.flush()
        if isLast { return }
        isLast = isStopping.load(ordering: .acquiring)
        if count == 0, !isLast { Machine.rest(nanoseconds: RecordWriter.rest) }
      }
    }
    self.thread.withLock { $0 = thread }
  }

  /// Lines that could not be written.
  var droppedLines: UInt64 { file.droppedLines }

  /// Has the file opened anew by its path, after a rotation.
  func reopen() { wantsReopen.store(true, ordering: .relaxed) }

  /// Writes what is left and ends the thread.
  func stop() {
    isStopping.store(true, ordering: .releasing)
    thread.withLock { $0 }?.join()
  }
}
