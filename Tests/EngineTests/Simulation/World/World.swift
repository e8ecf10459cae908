import Primitives

@testable import Engine

/// Who serves an endpoint: decides on connections and gets those it takes.
protocol Server: AnyObject {
  /// What becomes of a connect that begins now.
  func greet(_ link: Link) -> Greeting
}

/// What becomes of a connect.
enum Greeting {
  /// The connection stands after a while; `script` gets it.
  case take(any PeerScript)
  /// Refused after a while, as by a machine that is there.
  case refuse
  /// Refused in the call itself, as on Unix sockets.
  case refuseAtOnce
  /// No answer, ever.
  case silence
}

/// What one worker's network knows.
final class NetworkState {
  let number: Int
  /// Connections that wait to be accepted, by listener.
  var waiting: [[Link]]
  /// The listening sockets, by listener: the same numbers in all networks.
  var sockets: [Int32]
  var isAccepting = true
  /// Whether its worker has ended.
  var isOver = false
  var isWoken = false
  /// Connections with something to tell, in order.
  var ready: [Link] = []
  /// What the last wait was told, and whether it told anything.
  var deadline = Instant.distantPast
  var isSettled = false

  init(number: Int, listeners: Int) {
    self.number = number
    waiting = Array(repeating: [], count: listeners)
    sockets = (0..<Int32(listeners)).map { $0 }
  }

  /// Whether its worker has something to do at `now`.
  func isAble(_ now: Instant) -> Bool { !isOver && (hasNews || !isSettled || deadline <= now) }

  /// Whether a wait would tell anything.
  var hasNews: Bool { isWoken || !ready.isEmpty || isAccepting && waiting.contains { !$0.isEmpty } }
}

/// A world of virtual time in which nothing happens by accident: clocks, connections, servers, and what will happen.
final class World {
  var random: SeededRandom
  let weather: Weather
  private(set) var now = Instant(nanoseconds: 1_000 * .second)
  /// What the wall clock is ahead of the other.
  var wallOffset: Int64 = 1_790_000_000 * .second
  private let agenda = Agenda()
  private(set) var networks: [NetworkState] = []
  /// Open connections by descriptor; the lowest free number is given next, as the kernel does.
  private var descriptors: [Link?] = []
  private(set) var openCount = 0
  /// All connections there ever were.
  private(set) var links: [Link] = []
  /// Who serves the backend of each number.
  var servers: [Int32: any Server] = [:]
  /// Descriptors the process may hold now.
  var descriptorBound: Int
  /// Told of every violation of the seam's rules and of the checkers'.
  var complain: (String) -> Void = { fatalError($0) }
  /// Told of every run of bytes the engine sends or receives.
  var tap: (Link, Tapped) -> Void = { _, _ in }
  /// What happened at the seam, newest last, when a trace is wanted.
  var trace: [String]?

  /// What passes the seam.
  enum Tapped {
    case sent([UInt8])
    case received([UInt8])
    case closed
  }

  init(seed: UInt64, climate: Climate, splits: Splits? = nil) {
    random = SeededRandom(seed: seed)
    var weather = Weather(climate, random: &random)
    weather.splits = splits
    self.weather = weather
    descriptorBound = weather.descriptors
  }

  func addNetwork(listeners: Int) -> NetworkState {
    let state = NetworkState(number: networks.count, listeners: listeners)
    networks.append(state)
    return state
  }

  func note(_ text: @autoclosure () -> String) {
    if trace != nil { trace!.append("\(now.nanoseconds / 1_000)us \(text())") }
  }

  // MARK: Time

  @discardableResult
  func after(_ delay: Int64, _ action: @escaping () -> Void) -> Int {
    agenda.add(now.advanced(by: max(0, delay)), action)
  }

  /// Lets `nanoseconds` pass without anything happening: the time a turn takes.
  func pass(_ nanoseconds: Int64) { now = now.advanced(by: nanoseconds) }

  /// Lets happen what is due; returns whether anything was.
  @discardableResult
  func happen() -> Bool {
    var any = false
    while let action = agenda.takeDue(now) {
      action()
      any = true
    }
    return any
  }

  /// Goes to the next moment at which something is planned, at the latest to `bound`; false when there is none.
  func advance(noLaterThan bound: Instant) -> Bool {
    let moment = min(agenda.next ?? .distantFuture, bound)
    guard moment != .distantFuture else { return false }
    if moment > now { now = moment }
    happen()
    return true
  }

  var nextMoment: Instant { agenda.next ?? .distantFuture }

  /// Breaks the cycles between the world and what is planned in it.
  func end() {
    agenda.removeAll()
    servers.removeAll()
    complain = { _ in }
    tap = { _, _ in }
    for link in links { link.forget() }
    links.removeAll()
    for network in networks {
      network.waiting.removeAll()
      network.ready.removeAll()
    }
    descriptors.removeAll()
  }

  // MARK: Descriptors

  /// A number for `link`, or `nil` when the process may hold no more.
  func open(_ link: Link) -> Int32? {
    guard openCount < descriptorBound else { return nil }
    openCount += 1
    if let free = descriptors.firstIndex(where: { $0 == nil }) {
      descriptors[free] = link
      return Int32(free + 10)
    }
    descriptors.append(link)
    return Int32(descriptors.count + 9)
  }

  func release(_ descriptor: Int32) {
    descriptors[Int(descriptor) - 10] = nil
    openCount -= 1
  }

  /// The connection behind a descriptor that `network` may use.
  func link(_ descriptor: Int32, of network: NetworkState, _ call: String) -> Link? {
    let place = Int(descriptor) - 10
    guard descriptors.indices.contains(place), let link = descriptors[place] else {
      complain("seam: \(call) on descriptor \(descriptor), which is not open")
      return nil
    }
    guard link.network === network else {
      complain("seam: \(call) on descriptor \(descriptor), which belongs to another worker")
      return nil
    }
    return link
  }

  /// One of the open connections; `nil` when there are none.
  func openLink(_ number: Int) -> Link? {
    let open = descriptors.compactMap { $0 }
    return open.isEmpty ? nil : open[number % open.count]
  }

  func makeLink(_ network: NetworkState, isFromClient: Bool = false) -> Link {
    let link = Link(self, number: links.count + 1, network, isFromClient: isFromClient)
    links.append(link)
    return link
  }

  // MARK: Clients

  /// Connects a client to listener `listener` of a worker that chance picks; its script is woken when something comes.
  func connect(_ script: any PeerScript, listener: Int, from address: IPAddress, port: UInt16) -> Link {
    let listening = networks.filter { $0.sockets.contains(Int32(listener)) }
    let network = random.pick(listening.isEmpty ? networks : listening)
    let link = makeLink(network, isFromClient: true)
    link.script = script
    link.address = address
    link.port = port
    after(weather.wait(&random)) {
      guard let place = network.sockets.firstIndex(of: Int32(listener)) else {
        link.isRefused = true
        return link.close(resetting: true)
      }
      network.waiting[place].append(link)
      link.pump()
    }
    return link
  }
}
