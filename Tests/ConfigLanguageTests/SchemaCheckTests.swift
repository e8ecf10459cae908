import ConfigLanguage
import Testing

@Suite struct SchemaCheckTests {
  private static let schema = Schema([
    DirectiveRow(in: "", "box", [.value("name", .name)], .named, block: "box", help: "A box."),
    DirectiveRow(in: "", "lid", [.value("N", .countOr("none", 1...9))], .required, help: "A lid."),
    DirectiveRow(
      in: "", "mode", forms: [[.keyword("fast")], [.keyword("slow"), .value("TIME", .duration(0...1_000_000_000))]],
      absent: "fast", help: "A mode."),
    DirectiveRow(in: "", "defaults", [.value("KIND", .choice(["box"]))], .named, block: "", help: "For all."),
    DirectiveRow(
      in: "box", "item",
      [.list("ITEM", .word, atLeast: 1), .extra("weight", "N", .count(1...9)), .extra("at", "P", .word)],
      .atLeastOnce, isDefaultable: false, help: "An item."),
    DirectiveRow(in: "box", "size", [.value("SIZE", .size(1...100))], help: "A size."),
  ])

  private func check(_ text: String) -> (directives: [Directive], errors: [String]) {
    let sample = Sample(text)
    let check = SchemaCheck(schema: SchemaCheckTests.schema, sources: sample.sources, diagnostics: sample.diagnostics)
    let directives = check.check(sample.statements)
    return (directives, sample.errors)
  }

  @Test func valuesAreFoundByLabel() throws {
    let (directives, errors) = check("lid 3\nmode slow 250ms\nbox b {\n  item x y at z weight 2\n  size 64B\n}\n")
    #expect(errors == [])
    #expect(directives.count == 3)
    #expect(directives[0]["N"]?.number == 3)
    #expect(directives[1].form == 1)
    #expect(directives[1]["TIME"]?.number == 250_000_000)
    let box = directives[2]
    #expect(box["name"]?.text == "b")
    let item = try #require(box.child("item"))
    #expect(item.all("ITEM").map(\.text) == ["x", "y"])
    #expect(item["weight"]?.number == 2)
    #expect(item["at"]?.text == "z")
    #expect(box.child("size")?["SIZE"]?.number == 64)
    #expect(box.children("item").count == 1)
  }

  @Test func aQuotedKeywordIsAValue() {
    let (directives, errors) = check("lid none\nbox b {\n  item \"weight\" weight 2\n}\n")
    #expect(errors == [])
    #expect(directives[1].child("item")?.all("ITEM").map(\.text) == ["weight"])
  }

  @Test(arguments: [
    ("lid 3\nlidd 3", "2:1 'lidd' is not a directive"), ("", "0:0 there is no 'lid'"),
    ("lid 3\nlid 4", "2:1 'lid' stands twice; first at main.conf:1"), ("lid 10", "1:5 '10' is too large"),
    ("lid some", "1:5 'some' is neither 'none' nor a count"), ("lid", "1:1 'lid' needs N"),
    ("lid 1 2", "1:7 '2' is one word too many"), ("lid 1\nmode", "2:1 'mode' needs 'fast' or 'slow'"),
    ("lid 1\nmode slow", "2:1 'mode' needs TIME"), ("lid 1\nmode fast 1s", "2:11 '1s' is one word too many"),
    ("lid 1\nbox b", "2:1 'box' needs a block"), ("lid 1 {\n}", "1:1 'lid' has no block"),
    ("lid 1\nbox b {\n}", "2:1 box 'b' has no 'item'"),
    ("lid 1\nbox b {\n  item weight 2\n}", "3:3 'item' needs ITEM"),
    ("lid 1\nbox b {\n  item x weight\n}", "3:10 'weight' needs N"),
    ("lid 1\nbox b {\n  item x weight 2 y\n}", "3:19 'y' is not understood here"),
    ("lid 1\nbox b {\n  item x weight 2 weight 3\n}", "3:19 'weight' is given twice"),
    ("lid 1\nbox b {\n  item x\n  lid 2\n}", "4:3 'lid' is not a directive of 'box'"),
    ("lid 1\nbox b {\n  item x\n}\nbox b {\n  item x\n}", "5:5 box 'b' is declared twice; first at main.conf:2"),
    ("lid 1\ndefaults box {\n  item x\n}", "3:3 'item' can't have a default"),
    ("lid 1\ndefaults bag {\n  item x\n}", "2:10 'bag' is not one of box"),
    ("lid 1\nsize 3B", "2:1 'size' is not a directive"),
  ])
  func errors(_ text: String, _ error: String) { #expect(check(text).errors == [error]) }

  @Test func anUnclosedBlockSwallowsNothing() {
    let (directives, errors) = check("box b {\n  item x\nlid 3\nbox c {\n  item y\n}\n")
    #expect(errors == ["1:1 the block of 'box' is not closed"])
    #expect(directives.map(\.row.name) == ["box", "lid", "box"])
  }

  @Test func theReferenceComesFromTheRows() throws {
    let reference = Reference(SchemaCheckTests.schema)
    let text = try #require(reference.text(for: "item"))
    #expect(text.hasPrefix("item ITEM… [weight N] [at P]\n\n  An item.\n\n  stands:  in 'box', once or more\n"))
    #expect(reference.text(for: "box")?.contains("    size SIZE") == true)
    #expect(reference.text(for: "mode")?.contains("mode fast\nmode slow TIME\n") == true)
    #expect(reference.text(for: "mode")?.contains("default: fast") == true)
    #expect(reference.text(for: "itm") == nil)
    #expect(reference.suggestion(for: "itm") == "did you mean 'item'?")
    for row in SchemaCheckTests.schema.rows { #expect(reference.overview.contains(row.usages[0])) }
  }
}
