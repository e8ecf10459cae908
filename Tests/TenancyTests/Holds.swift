import Testing

/// `#expect` for what is asked of values that can't be copied, which the macro can't take apart.
func holds(_ isSo: Bool, sourceLocation: SourceLocation = #_sourceLocation) {
  #expect(isSo, sourceLocation: sourceLocation)
}
