import Primitives
import Testing

@Suite struct SeededRandomTests {
  /// Computed by another implementation of SplitMix64 and xoshiro256++.
  @Test(
    arguments: [
      (0, [0x5317_5D61_490B_23DF, 0x61DA_6F3D_C380_D507, 0x5C0F_DF91_EC9A_7BFC, 0x02EE_BF8C_3BBE_5E1A]),
      (1, [0xCFC5_D07F_6F03_C29B, 0xBF42_4132_963F_E08D, 0x19A3_7D57_57AA_F520, 0xBF08_119F_05CD_56D6]),
      (42, [0xD076_4D4F_4476_689F, 0x519E_4174_576F_3791, 0xFBE0_7CFB_0C24_ED8C, 0xB37D_9F60_0CD8_35B8]),
      (.max, [0x56CC_F8CE_948E_27B2, 0xE685_8843_2E5A_5B90, 0xE3E9_B5A4_8119_CA8B, 0x460F_1949_5532_AE73]),
    ] as [(UInt64, [UInt64])])
  func aSeedFixesTheSequence(seed: UInt64, expected: [UInt64]) {
    var random = SeededRandom(seed: seed)
    #expect((0..<4).map { _ in random.next() } == expected)
  }

  @Test func aCopyGoesOnByItself() {
    var first = SeededRandom(seed: 9)
    _ = first.next()
    var second = first
    #expect((0..<9).map { _ in first.next() } == (0..<9).map { _ in second.next() })
  }

  @Test(arguments: [2, 3, 7, 10, 1000])
  func numbersBelowABoundAreEvenlySpread(bound: Int) {
    var random = SeededRandom(seed: UInt64(bound))
    var counts = [Int](repeating: 0, count: bound)
    let share = 100_000 / bound
    for _ in 0..<share * bound { counts[random.below(bound)] += 1 }
    let allowed = Int(6 * Double(share).squareRoot()) + 1
    for count in counts { #expect(abs(count - share) < allowed) }
  }

  @Test func theSmallestAndTheLargestBoundAreHeld() {
    var random = SeededRandom(seed: 5)
    for _ in 0..<1000 { #expect(random.below(1) == 0 && random.below(.max) >= 0) }
  }
}
