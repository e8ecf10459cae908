import Primitives
import Tenancy

@testable import Engine

/// What may be wrong with the engine on purpose, to see that it is found.
enum Flaw: CaseIterable {
  case none

  /// Gives the engine a wrong configuration.
  func spoil(_ blueprint: inout Blueprint, _ configuration: Configuration) {}

  /// Spoils what a worker knows, after a turn of it.
  func strike(_ plant: EnginePlant, _ box: EnginePlant.Box, _ world: World) {}
}
