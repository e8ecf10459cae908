// swift-tools-version: 6.1
import PackageDescription

/// A room of the house: its folder is its name, its arrows only point down.
func room(_ name: String, _ imports: Target.Dependency...) -> Target {
  .target(name: name, dependencies: imports)
}

/// The tests of one room.
func tests(of name: String, _ more: Target.Dependency...) -> Target {
  .testTarget(name: name + "Tests", dependencies: [.byName(name: name)] + more)
}

/// The fuzzers: a test that replays what they start from, or, for `deploy/test.sh fuzz`, a program that libFuzzer drives.
func fuzzers(of rooms: Target.Dependency...) -> Target {
  let path = "Tests/Fuzzing"
  if Context.environment["GATEHOUSE_FUZZERS"] == nil {
    return .testTarget(name: "FuzzTests", dependencies: rooms, path: path, exclude: ["Corpus", "Program"])
  }
  return .executableTarget(name: "fuzz", dependencies: rooms, path: path, exclude: ["Corpus", "Replay"])
}

let package = Package(
  name: "gatehouse",
  products: [.executable(name: "gatehouse", targets: ["gatehouse"])],
  targets: [
    // The rooms, from the ground up. An arrow is an argument.
    .systemLibrary(name: "CLinux"),
    .systemLibrary(name: "COpenSSL"),
    room("Primitives"),
    room("HTTP", "Primitives"),
    room("Tenancy", "Primitives"),
    room("Balancing", "Primitives"),
    room("ConfigLanguage"),
    room("Platform", "Primitives", "CLinux", "COpenSSL"),
    room("Engine", "HTTP", "Tenancy", "Balancing", "Platform", "Primitives"),
    room("Configuration", "ConfigLanguage", "Engine", "HTTP", "Tenancy", "Balancing", "Platform", "Primitives"),
    room("Telemetry", "Engine", "Primitives"),
    room("Persistence"),
    room(
      "Control", "Configuration", "ConfigLanguage", "Telemetry", "Persistence", "Engine", "Tenancy", "Balancing",
      "Platform", "Primitives"),
    .executableTarget(name: "gatehouse", dependencies: ["Control"]),

    tests(of: "Primitives"),
    .target(name: "HTTPReference", dependencies: ["HTTP", "Primitives"], path: "Tests/HTTPReference"),
    tests(of: "HTTP", "HTTPReference", "Primitives"),
    tests(of: "Tenancy", "Primitives"),
    tests(of: "Balancing", "Primitives"),
    tests(of: "ConfigLanguage"),
    tests(of: "Platform", "Primitives"),
    tests(of: "Engine", "HTTP", "HTTPReference", "Tenancy", "Balancing", "Platform", "Primitives"),
    .testTarget(
      name: "ConfigurationTests",
      dependencies: ["Configuration", "ConfigLanguage", "Engine", "Tenancy", "Balancing", "Primitives"],
      exclude: ["Golden"]),
    tests(of: "Telemetry", "Engine", "Primitives"),
    tests(of: "Persistence"),
    tests(
      of: "Control", "Configuration", "ConfigLanguage", "Persistence", "Engine", "Tenancy", "Platform", "Primitives"),
    fuzzers(
      of: "Control", "Configuration", "ConfigLanguage", "Engine", "HTTP", "HTTPReference", "Tenancy", "Platform",
      "Primitives",
      "COpenSSL"),
  ],
  swiftLanguageModes: [.v6]
)
