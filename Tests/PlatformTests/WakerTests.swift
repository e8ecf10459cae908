import Platform
import Testing

@Suite struct WakerTests {
  @Test func aWakeIsSeenByTheEvents() throws {
    let (waker, poller) = try (Waker(), Events())
    defer { waker.close() }
    #expect(poller.addListener(waker.descriptor, token: 0xFEED_FACE_CAFE_BEEF))
    #expect(poller.wait(milliseconds: 0) == 0)
    waker.wake()
    waker.wake()
    #expect(poller.wait(milliseconds: 5_000) == 1)
    #expect(poller.token(0) == 0xFEED_FACE_CAFE_BEEF)
    #expect(poller.bits(0) & PollerBits.readable != 0)
    waker.clear()
    #expect(poller.wait(milliseconds: 0) == 0)
    waker.clear()
  }

  @Test func anotherThreadWakesAPollerThatWaits() throws {
    let (waker, poller) = try (Waker(), Events())
    defer { waker.close() }
    #expect(poller.addListener(waker.descriptor, token: 7))
    let thread = try Thread(name: "a name of more than fifteen bytes") { waker.wake() }
    #expect(poller.wait(milliseconds: 5_000) == 1)
    thread.join()
  }

  @Test func aListenerMayBeLeftAloneForAWhile() throws {
    let (waker, poller) = try (Waker(), Events())
    defer { waker.close() }
    #expect(poller.addListener(waker.descriptor, token: 7))
    waker.wake()
    poller.setListening(waker.descriptor, token: 7, false)
    #expect(poller.wait(milliseconds: 0) == 0)
    poller.setListening(waker.descriptor, token: 7, true)
    #expect(poller.wait(milliseconds: 5_000) == 1)
    poller.remove(waker.descriptor)
    #expect(poller.wait(milliseconds: 0) == 0)
    #expect(!poller.addListener(-1, token: 1))
  }
}
