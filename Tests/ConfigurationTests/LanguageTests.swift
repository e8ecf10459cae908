import ConfigLanguage
import Configuration
import Testing

@Suite struct LanguageTests {
  @Test func everyRowSaysWhatItIsFor() {
    for row in GatehouseLanguage.schema.rows {
      #expect(row.help.hasSuffix(".") || row.help.contains(": "), "\(row.name)")
      #expect(!row.help.contains("\n"), "\(row.name)")
      #expect(!row.forms.isEmpty, "\(row.name)")
    }
  }

  @Test func everyBlockHasRows() {
    let schema = GatehouseLanguage.schema
    for row in schema.rows {
      if let block = row.block, !block.isEmpty { #expect(!schema.rows(in: block).isEmpty, "\(block)") }
    }
    let opened = Set(schema.rows.compactMap(\.block))
    for kind in schema.kinds where !kind.isEmpty { #expect(opened.contains(kind), "\(kind)") }
  }

  @Test func helpOfOneDirective() {
    let reference = Reference(GatehouseLanguage.schema)
    #expect(
      reference.text(for: "backend") == """
        backend ADDRESS [weight N]

          An app server: 10.0.0.1:80, [::1]:80, name:80 or unix:/path.

          stands:  in 'shard', once or more

        """)
    #expect(reference.text(for: "requests")?.contains("in 'plan'") == true)
    #expect(reference.text(for: "requests")?.contains("in 'tenant'") == true)
    #expect(reference.suggestion(for: "bakend") == "did you mean 'backend'?")
  }
}
