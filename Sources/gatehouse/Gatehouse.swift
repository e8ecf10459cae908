import Control

/// The program.
@main
enum Gatehouse {
  static func main() { Entrance.enter(CommandLine.arguments) }
}
