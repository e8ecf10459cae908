import Balancing
import ConfigLanguage

extension Draft {
  /// Applies `overload`.
  func readOverload(_ rules: inout OverloadRules) {
    guard let block = top("overload") else { return }
    if let line = block.child("memory") {
      rules.memory = line["PERCENT"]?.number
      rules.memoryBound = line["of"]?.number
    }
    rules.descriptors = block.child("descriptors")?["PERCENT"]?.number
    rules.loopLag = block.child("loop-lag")?["TIME"]?.number
  }
}
