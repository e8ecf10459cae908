import Engine
import Testing

@testable import Control

@Suite struct BackendWatchTests {
  private func state(_ name: String, _ isUp: Bool) -> BackendState { BackendState("eu-1", name, isUp: isUp) }

  @Test func whoGoesAndWhoComesBackIsToldOnce() {
    var watch = BackendWatch()
    #expect(watch.changes(to: [state("a", true), state("b", true)]).isEmpty)
    #expect(watch.changes(to: [state("a", false), state("b", true)]) == ["backend a of shard eu-1 is down"])
    #expect(watch.changes(to: [state("a", false), state("b", true)]).isEmpty)
    #expect(
      watch.changes(to: [state("a", true), state("b", false)])
        == ["backend b of shard eu-1 is down", "backend a of shard eu-1 is up again"])
  }

  @Test func whyOneIsOutIsTold() {
    var watch = BackendWatch()
    let ejected = BackendState("eu-1", "a", isUp: false, isEjected: true)
    #expect(
      watch.changes(to: [ejected]) == ["backend a of shard eu-1 is out: requests of several tenants failed there"])
    #expect(watch.changes(to: [state("a", false)]) == ["backend a of shard eu-1 is down"])
    #expect(watch.changes(to: [state("a", true)]) == ["backend a of shard eu-1 is up again"])
  }

  @Test func whoIsTakenOutOfTheConfigurationIsNoNews() {
    var watch = BackendWatch()
    _ = watch.changes(to: [state("a", false)])
    #expect(watch.changes(to: []).isEmpty)
    #expect(watch.changes(to: [state("a", true)]).isEmpty)
  }
}
