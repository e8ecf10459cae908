import HTTP
import Primitives
import Testing

struct CookieFieldTests {
  private func find(_ name: String, _ value: String) -> String? {
    // Something stands before and after the value that must not count.
    let buffer = PaddedBytes("a=outside;\(value)=x; a=outside")
    let range = ByteRange(10, 10 + Int32(value.utf8.count))
    let bytes = latin(name)
    let found = bytes.withUnsafeBufferPointer { name in
      name.baseAddress.map { CookieField.find(buffer.base, range, name: $0, name.count) }
    }
    guard let found, found != .none else { return nil }
    return buffer.text(found)
  }

  @Test(arguments: [
    ("a=1", "1"), ("a=1; b=2", "1"), ("b=2; a=1", "1"), ("b=2;a=1", "1"), ("b=2;\t a=1 ;c=3", "1"), ("a=1; a=2", "1"),
    ("a=", ""), ("a=b=c", "b=c"), ("a=\"x y\"", "\"x y\""), ("aa=2; a=1", "1"), ("ba=2;a=1", "1"), (";;a=1;;", "1"),
    ("b; a=1", "1"), ("=a; a=1", "1"),
  ])
  func finds(value: String, expected: String) {
    #expect(find("a", value) == expected)
  }

  @Test(arguments: ["", "a", "A=1", "aa=1", "b=a=1", "a =1", "b=1; a", ";", "=", "b=\"a=1"]) func findsNone(
    value: String
  ) {
    #expect(find("a", value) == nil)
  }
}
