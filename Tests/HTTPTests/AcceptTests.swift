import HTTP
import Primitives
import Testing

struct AcceptTests {
  private func prefersHTML(_ value: String) -> Bool {
    let buffer = PaddedBytes(value)
    return Accept.prefersHTML(buffer.base, ByteRange(0, Int32(value.utf8.count)))
  }

  @Test(arguments: [
    "text/html", "TEXT/HTML", "text/html, */*;q=0.8", "text/*", "text/html;level=1",
    "text/html;q=0.9, application/json;q=0.8",
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8",
    "application/json;q=0, text/html;q=0.1",
    "application/json;q=0.5;x=y , text/html ; q=0.501", "*/*, application/json;q=0.1, application/problem+json;q=0.2",
    "text/html, a/b;c=\"x,application/json\";q=1",
  ])
  func html(value: String) {
    #expect(prefersHTML(value))
  }

  @Test(arguments: [
    "", "*/*", "application/json", "application/problem+json", "text/html;q=0.5, application/json",
    "text/html, application/json",
    "text/html;q=0", "text/plain", "application/*", "text/*;q=0.2, */*", "text/html;q=0.3, text/*, */*;q=0.5", ",,;",
    "text/htmlx",
    "text/html;q=x", "text/html;q=", "text/html;q=2", "image/*", "text/html;q=0.2, */*;q=0.3",
  ])
  func notHTML(value: String) {
    #expect(!prefersHTML(value))
  }
}
