import HTTP
import Primitives
import Testing

/// What a server's connection makes of a client that keeps the rules.
struct HTTP2ConnectionTests {
  @Test func itSaysWhatItTakes() {
    #expect(Talk().frames == ["settings 0 0 30", "windowUpdate 0 983041"])
    let client = Talk(.client)
    #expect(Array(client.sent[..<24]) == Frames.preface)
    client.sent.removeFirst(24)
    #expect(client.frames == ["settings 0 0 18", "windowUpdate 0 983041"])
  }

  @Test(arguments: [Int.max, 1, 2, 3, 7, 20]) func aRequestInAnyPieces(size: Int) {
    let talk = Talk()
    talk.sent = []
    talk.say(
      Frames.preface + Frames.settings([(4, 1000)]) + Frames.headers(1) + Frames.headers(3, Frames.post, ends: false)
        + Frames.data(3, [1, 2, 3]) + Frames.data(3, ends: true), pieces: size)
    #expect(talk.log.filter { !$0.hasPrefix("data") } == ["request 1 end", "request 3"])
    #expect(talk.log.last == (size < 12 ? "data 3 0 end" : "data 3 0 end"))
    #expect(talk.frames == ["settings 0 1 0"])
    #expect(talk.head == "POST / HTTP/1.1\r\nhost: a.example\r\ntransfer-encoding: chunked\r\n\r\n")
  }

  @Test func anAnswerEndsAStream() {
    let talk = Talk.open()
    talk.say(Frames.headers(1))
    #expect(talk.streamCount == 1)
    talk.answer(1)
    #expect(talk.frames == ["headers 1 5 1"])
    #expect(talk.streamCount == 0)
    // What is late for it is no fault: PRIORITY, WINDOW_UPDATE and RST_STREAM.
    talk.say(Frames.windowUpdate(1, 5) + Frames.reset(1) + Frames.frame(2, 0, 1, [0, 0, 0, 0, 1]))
    #expect(talk.log == ["request 1 end"])
  }

  @Test func anAnswerBeforeTheEndResetsWithoutFault() {
    let talk = Talk.open()
    talk.say(Frames.headers(1, Frames.post, ends: false))
    talk.answer(1)
    #expect(talk.frames == ["headers 1 5 1", "reset 1 noError"])
    // What was on its way is dropped, and given back to the connection's window.
    talk.sent = []
    for _ in 0..<17 { talk.say(Frames.data(1, [UInt8](repeating: 0, count: 16_384))) }
    talk.say(Frames.headers(1, [("x", "y")]))
    #expect(talk.log == ["request 1"])
    #expect(talk.frames == ["windowUpdate 0 262144"])
  }

  @Test func trailers() {
    let talk = Talk.open()
    talk.say(
      Frames.headers(1, Frames.post, ends: false) + Frames.data(1, [1]) + Frames.headers(1, [("grpc-status", "0")]))
    #expect(talk.log == ["request 1", "data 1 1", "trailers 1 end"])
    #expect(talk.head == "grpc-status: 0\r\n\r\n")
  }

  @Test func headersInSeveralFramesAndPadded() {
    let talk = Talk.open()
    let block = Frames.block(Frames.get)
    talk.say(
      Frames.frame(1, 1, 1, Array(block[..<10])) + Frames.frame(9, 0, 1) + Frames.frame(9, 4, 1, Array(block[10...])))
    talk.say(Frames.frame(1, 0x2D, 3, [3] + [0x80, 0, 0, 0, 200] + block + [0, 0, 0]))
    talk.say(Frames.frame(1, 0x29, 5, [2] + [0, 0, 0, 1, 0] + block + [0, 0]) + Frames.frame(9, 4, 5))
    #expect(talk.log == ["request 1 end", "request 3 end", "request 5 end"])
  }

  @Test func pingsAndUnknownFrames() {
    let talk = Talk.open()
    talk.say(Frames.ping + Frames.frame(0xF0, 0xFF, 77, [1, 2, 3]) + Frames.frame(6, 1, 0, [0, 0, 0, 0, 0, 0, 0, 0]))
    #expect(talk.frames == ["ping 0 1 8"])
    #expect(Array(talk.sent[9...]) == [1, 2, 3, 4, 5, 6, 7, 8])
  }

  @Test func contentLengthIsTheSumOfData() {
    let talk = Talk.open()
    talk.say(Frames.headers(1, Frames.post + [("content-length", "4")], ends: false))
    talk.say(Frames.data(1, [1, 2]) + Frames.frame(0, 9, 1, [2, 3, 4, 0, 0]))
    #expect(talk.log == ["request 1", "data 1 2", "data 1 2 end"])
  }

  /// Data is taken as it comes; padding counts for windows and is given back at once.
  @Test func windowsOfThePeer() {
    let talk = Talk.open()
    talk.say(Frames.headers(1, Frames.post, ends: false))
    let place = talk.place(1)
    for _ in 0..<4 { talk.say(Frames.data(1, [UInt8](repeating: 7, count: 16_384))) }
    #expect(talk.frames == [])
    talk.connection.release(65_535, of: place)
    talk.drain()
    #expect(talk.frames == [])
    talk.connection.release(1, of: place)
    talk.drain()
    #expect(talk.frames == ["windowUpdate 1 65536"])
    for _ in 0..<256 { talk.say(Frames.frame(0, 8, 1, [255] + [UInt8](repeating: 0, count: 255))) }
    #expect(talk.frames == ["windowUpdate 1 65536"])
  }

  @Test func windowsForThePeer() {
    let talk = Talk.open(settings: [(4, 10)])
    talk.say(Frames.headers(1))
    let place = talk.place(1)
    #expect(talk.ask { $0.allowance(of: place) } == 10)
    let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: 9)
    defer { memory.deallocate() }
    talk.connection.frameData(of: place, 10, endsStream: false, at: memory)
    #expect(talk.ask { $0.allowance(of: place) } == 0)
    // Smaller than what was sent: the window is below zero.
    talk.say(Frames.settings([(4, 4)]))
    talk.say(Frames.windowUpdate(1, 6))
    #expect(talk.ask { $0.allowance(of: place) } == 0)
    talk.say(Frames.windowUpdate(1, 1))
    #expect(talk.ask { $0.allowance(of: place) } == 1)
    talk.say(Frames.settings([(4, 0x7FFF_FFFF)]))
    #expect(talk.ask { $0.allowance(of: place) } == 65_525)
    talk.say(Frames.windowUpdate(0, 0x7FFF_FFFF - 65_525))
    #expect(talk.log == ["request 1 end", "open 1", "open 1", "open 0", "open 0"])
    #expect(talk.ask { $0.allowance(of: place) } == 0x7FFF_FFFF - 3)
  }

  @Test func anOrderlyEnd() {
    let talk = Talk.open()
    talk.say(Frames.headers(1))
    talk.connection.startShutdown()
    talk.drain()
    #expect(talk.frames == ["goAway 2147483647 noError", "ping 0 0 8"])
    let ping = Array(talk.sent[(talk.sent.count - 8)...])
    // A stream that was on its way is taken; one that comes after the second GOAWAY is not.
    talk.say(Frames.headers(3) + Frames.frame(6, 1, 0, ping) + Frames.headers(5))
    #expect(talk.log == ["request 1 end", "request 3 end", "shutdownReached"])
    #expect(talk.frames.last == "goAway 3 noError")
    #expect(talk.streamCount == 2)
  }

  /// The body of a request that came too late was told to be a fault, and counted as one.
  @Test func whatComesBehindTheEndIsLetGo() {
    let talk = Talk.open()
    talk.say(Frames.headers(1))
    talk.connection.finishShutdown()
    talk.drain()
    talk.sent = []
    talk.say(Frames.headers(3, Frames.post, ends: false) + Frames.data(3, [1, 2]) + Frames.headers(3, [("a", "b")]))
    #expect(talk.frames == [] && talk.log == ["request 1 end"])
  }

  @Test func streamsComeAndGo() {
    let talk = Talk.open()
    var random = SeededRandom(seed: 3)
    var open: [UInt32] = []
    for number in 0..<3000 {
      let id = UInt32(2 * number + 1)
      talk.say(Frames.headers(id))
      open.append(id)
      while open.count > 100 || (random.below(3) == 0 && !open.isEmpty) {
        talk.answer(open.remove(at: random.below(open.count)))
      }
    }
    #expect(talk.streamCount == open.count)
    #expect(open.allSatisfy { talk.place($0) >= 0 })
    #expect(!talk.hasFailed)
  }

  @Test func longBlocksAreSplit() {
    let talk = Talk.open()
    talk.say(Frames.headers(1))
    let bytes = [UInt8](unsafeUninitializedCapacity: HTTP2Connection.headersRoom(40_000)) { buffer, count in
      for index in 0..<40_000 { buffer[9 + index] = UInt8(truncatingIfNeeded: index / 160) }
      count = talk.connection.frameHeaders(of: 0, 40_000, endsStream: false, at: buffer.baseAddress!)
    }
    talk.sent = bytes
    #expect(talk.frames == ["headers 1 0 16384", "continuation 1 0 16384", "continuation 1 4 7232"])
    let block = Array(bytes[9..<16_393] + bytes[16_402..<32_786] + bytes[32_795...])
    #expect(block == (0..<40_000).map { UInt8(truncatingIfNeeded: $0 / 160) })
  }

  /// A client's connection: interim and final heads, a body, trailers.
  @Test func responses() {
    let talk = Talk(.client)
    talk.say(Frames.settings([(3, 2)]))
    #expect(talk.ask { $0.openStream(owner: 4) } == 0)
    #expect(talk.ask { $0.openStream(owner: 5) } == 1)
    #expect(talk.ask { $0.openStream(owner: 6) } == -1)
    talk.say(Frames.headers(1, [(":status", "103"), ("link", "</a>")], ends: false))
    talk.say(Frames.headers(1, [(":status", "200"), ("content-length", "2")], ends: false))
    #expect(talk.head == "HTTP/1.1 200 \r\ncontent-length: 2\r\n\r\n")
    talk.say(Frames.data(1, [1, 2]) + Frames.headers(1, [("a", "b")]))
    talk.say(Frames.frame(7, 0, 0, Frames.word(1) + Frames.word(0)))
    #expect(talk.log == ["response 1", "response 1", "data 1 2", "trailers 1 end", "goAway"])
    #expect(talk.ask { $0.stream(0).pointee.owner } == 4)
    let last = talk.connection.lastStream
    #expect(last == 1)
  }
}
