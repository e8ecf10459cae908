import Primitives

@testable import Engine

/// The far side of a connection: a scripted client or origin.
protocol PeerScript: AnyObject {
  /// Something came, room came, or the connection came to an end.
  func wake(_ link: Link)
}

/// A virtual TCP connection between the engine and a script, with the manners of Linux.
final class Link {
  /// How far the engine's end is.
  enum Phase {
    /// Waits at a listener, or its connect is under way.
    case pending
    case open
    /// The engine has closed it.
    case closed
  }

  unowned(unsafe) let world: World
  let number: Int
  let network: NetworkState
  var script: (any PeerScript)?
  let isFromClient: Bool
  var address = IPAddress(v4: 0)
  var port: UInt16 = 0
  var toEngine: Pipe
  var toPeer: Pipe

  // The engine's end.
  var phase = Phase.pending
  var descriptor: Int32 = -1
  var token: UInt64 = 0
  /// A connect is under way.
  var isConnecting = false
  /// An error that the next call is told, once.
  var hasError = false
  /// The connection is dead for the engine.
  var isReset = false
  /// The engine has ended its half.
  var hasEnded = false
  /// The engine found no room and waits to be told.
  var wantsRoom = false
  /// In the network's list of news.
  var isListed = false
  /// When bytes last passed the seam, in each way, and when the engine closed.
  var receivedAt = Instant.distantPast
  var sentAt = Instant.distantPast
  var closedAt = Instant.distantPast
  /// Bytes that the engine has received after it had ended its half.
  var receivedBehindEnd = 0
  /// Bytes that passed the seam.
  var receivedCount = 0
  var sentCount = 0

  /// Nothing passes any more, and nobody is told.
  var isLost: Bool { toEngine.isBlackHole }
  /// What waits until something passes again.
  private var heldBack: [() -> Void] = []
  /// Nobody listened where it went.
  var isRefused = false

  // The script's end.
  var peerIsClosed = false
  var peerIsReset = false
  private var isWaking = false

  init(_ world: World, number: Int, _ network: NetworkState, isFromClient: Bool = false) {
    self.world = world
    self.number = number
    self.network = network
    self.isFromClient = isFromClient
    toEngine = Pipe(world.weather, &world.random)
    toPeer = Pipe(world.weather, &world.random)
    if let splits = world.weather.splits { toEngine.split(splits, isFromClient: isFromClient) }
  }

  // MARK: What happens on the way

  /// Plans the next arrival of each way, if there is anything to arrive.
  func pump() {
    if toEngine.moving == nil, toEngine.canMove {
      let number = world.after(wait(toEngine)) { [self] in arriveAtEngine() }
      toEngine.moving = number
    }
    if toPeer.moving == nil, toPeer.canMove, phase != .pending || isFromClient {
      let number = world.after(wait(toPeer)) { [self] in arriveAtPeer() }
      toPeer.moving = number
    }
  }

  /// Tiny pieces follow each other quickly: a long transfer would otherwise take for ever.
  private func wait(_ pipe: Pipe) -> Int64 {
    world.weather.wait(&world.random, upTo: pipe.piece < 97 ? .millisecond : .max)
  }

  private func arriveAtEngine() {
    toEngine.moving = nil
    guard !isReset else { return }
    if phase == .closed {
      // Bytes for somebody who has closed are answered by a reset.
      if toEngine.sent.isEmpty { toEngine.hasEnded = true } else { resetPeer() }
      return
    }
    let withEnd = world.random.chance(50)
    if toEngine.move(&world.random, moved: receivedCount, withEnd: withEnd) { raise() }
    if toEngine.hasAmpleRoom { wakePeer() }
    pump()
  }

  private func arriveAtPeer() {
    toPeer.moving = nil
    guard !peerIsReset, !isReset else { return }
    if peerIsClosed {
      if toPeer.sent.isEmpty { toPeer.hasEnded = true } else { resetEngine(after: world.weather.wait(&world.random)) }
      return
    }
    let withEnd = world.random.chance(50)
    if toPeer.move(&world.random, moved: sentCount, withEnd: withEnd) { wakePeer() }
    if wantsRoom, toPeer.hasAmpleRoom {
      wantsRoom = false
      raise()
    }
    pump()
  }

  /// Lets what is under way arrive now: the world does not stand still while the engine takes its turn.
  func nudge() {
    guard phase == .open, world.random.chance(world.weather.nudge) else { return }
    if world.random.chance(50) {
      if toEngine.moving != nil, !isReset, toEngine.move(&world.random, moved: receivedCount, withEnd: true) { raise() }
    } else if toPeer.moving != nil, !peerIsReset, !peerIsClosed, !isReset,
      toPeer.move(&world.random, moved: sentCount, withEnd: true)
    {
      wakePeer()
    }
  }

  // MARK: Telling

  /// Lists the connection as having news for the engine.
  func raise() {
    guard phase == .open, !isListed else { return }
    isListed = true
    network.ready.append(self)
  }

  /// Wakes the script soon.
  func wakePeer() {
    guard !isWaking else { return }
    isWaking = true
    world.after(0) { [self] in
      isWaking = false
      script?.wake(self)
    }
  }

  // MARK: Trouble

  /// Breaks at both ends.
  func breakOff() {
    guard !isLost else { return }
    world.note("#\(number) breaks")
    resetEngine(after: 0)
    resetPeer()
  }

  /// Carries nothing from now on.
  func lose() {
    world.note("#\(number) is lost")
    toEngine.isBlackHole = true
    toPeer.isBlackHole = true
  }

  /// Carries again what it should.
  func find() {
    toEngine.isBlackHole = false
    toPeer.isBlackHole = false
    for action in heldBack { world.after(0, action) }
    heldBack.removeAll()
    pump()
  }

  /// Breaks the cycles it is part of.
  func forget() {
    script = nil
    heldBack.removeAll()
  }

  /// Does something once it is possible.
  private func onceFound(_ delay: Int64, _ action: @escaping () -> Void) {
    world.after(delay) { [self] in
      if isLost { heldBack.append(action) } else { action() }
    }
  }

  // MARK: Resets

  /// The engine's end breaks, after a while.
  func resetEngine(after delay: Int64) {
    toEngine.lose()
    onceFound(delay) { [self] in
      guard phase != .closed, !isReset else { return }
      isConnecting = false
      isReset = true
      hasError = true
      toPeer.sent.removeAll()
      raise()
    }
  }

  /// The script's end breaks, after a while.
  func resetPeer() {
    toPeer.lose()
    onceFound(world.weather.wait(&world.random)) { [self] in
      guard !peerIsReset else { return }
      peerIsReset = true
      toEngine.sent.removeAll()
      if world.weather.resetPurges { toPeer.arrived.removeAll() }
      wakePeer()
    }
  }
}
