/// The text of one file of a configuration, as bytes; line and column are worked out when somebody asks.
public struct SourceFile: Sendable {
  /// The path as the operator wrote it, or as an `include` led to it.
  public let name: String
  /// The bytes of the file.
  public let bytes: [UInt8]
  /// The offset of the first byte of each line; never empty.
  private let lineStarts: [Int]

  /// The file `name` of these bytes.
  public init(name: String, bytes: [UInt8]) {
    self.name = name
    self.bytes = bytes
    var starts = [0]
    bytes.withUnsafeBufferPointer { buffer in
      for index in buffer.indices where buffer[index] == 0x0A { starts.append(index + 1) }
    }
    lineStarts = starts
  }

  /// The line, counted from 1, that holds the byte at `offset`; offsets past the end belong to the last line.
  public func line(at offset: Int) -> Int {
    var low = 0
    var high = lineStarts.count
    while high - low > 1 {
      let middle = (low + high) / 2
      if lineStarts[middle] <= offset { low = middle } else { high = middle }
    }
    return low + 1
  }

  /// The offset of the first byte of `line`, which counts from 1 and is clamped to the lines there are.
  public func start(ofLine line: Int) -> Int { lineStarts[min(max(line, 1), lineStarts.count) - 1] }

  /// The offsets of the bytes of `line` without its end.
  public func range(ofLine line: Int) -> Range<Int> {
    let start = start(ofLine: line)
    var end = line < lineStarts.count ? lineStarts[line] - 1 : bytes.count
    if end > start, bytes[end - 1] == 0x0D { end -= 1 }
    return start..<max(start, end)
  }
}

/// A run of bytes in one file of a `SourceSet`.
public struct SourceRange: Hashable, Comparable, Sendable {
  /// The file's number in its `SourceSet`.
  public var file: Int32
  /// How many bytes, for the caret run; may be 0.
  public var count: Int32
  /// The offset of the first byte.
  public var start: Int

  /// `count` bytes of file number `file` from `start` on.
  public init(file: Int, start: Int, count: Int) {
    self.file = Int32(clamping: file)
    self.start = start
    self.count = Int32(clamping: count)
  }

  /// The run from the start of this one to the end of `last`, which lies in the same file.
  public func through(_ last: SourceRange) -> SourceRange {
    SourceRange(file: Int(file), start: start, count: max(Int(count), last.start + Int(last.count) - start))
  }

  /// Whether `lhs` comes before `rhs`: by file, then by offset.
  public static func < (lhs: SourceRange, rhs: SourceRange) -> Bool {
    (lhs.file, lhs.start) < (rhs.file, rhs.start)
  }
}

/// The files of one configuration in the order in which they were read.
public struct SourceSet: Sendable {
  /// The files; a `SourceRange` counts them from 0.
  public private(set) var files: [SourceFile] = []

  /// No files.
  public init() {}

  /// Adds `file` and returns its number.
  public mutating func add(_ file: SourceFile) -> Int {
    files.append(file)
    return files.count - 1
  }

  /// Puts `file` in the place of file number `number`.
  public mutating func replace(_ number: Int, by file: SourceFile) { files[number] = file }

  /// The line, counted from 1, where `range` starts.
  public func line(of range: SourceRange) -> Int { files[Int(range.file)].line(at: range.start) }

  /// The place as `file:line`, for messages that name a second place.
  public func place(of range: SourceRange) -> String { "\(files[Int(range.file)].name):\(line(of: range))" }
}
