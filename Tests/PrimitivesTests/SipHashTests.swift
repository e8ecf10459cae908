import Primitives
import Testing

@Suite struct SipHashTests {
  /// The key of the published vectors: bytes 0 ... 15.
  private let hash = SipHash(key0: 0x0706_0504_0302_0100, key1: 0x0F0E_0D0C_0B0A_0908)

  /// The published vectors for messages of the bytes 0, 1, 2 … (SipHash's reference implementation).
  @Test(
    arguments: [
      (0, 0x726F_DB47_DD0E_0E31), (1, 0x74F8_39C5_93DC_67FD), (2, 0x0D6C_8009_D9A9_4F5A), (15, 0xA129_CA61_49BE_45E5),
    ] as [(Int, UInt64)])
  func publishedVectors(_ count: Int, _ expected: UInt64) {
    let message = (0..<count).map { UInt8($0) } + [0]
    #expect(message.withUnsafeBufferPointer { hash.hash64($0.baseAddress!, count) } == expected)
  }

  /// The published vector of 128 bits for the empty message: a3817f04ba25a8e66df67214c7550293.
  @Test func publishedVectorOf128Bits() {
    let (low, high) = [UInt8(0)].withUnsafeBufferPointer { hash.hash128($0.baseAddress!, 0) }
    #expect(low == 0xE6A8_25BA_047F_81A3)
    #expect(high == 0x9302_55C7_1472_F66D)
  }
}
