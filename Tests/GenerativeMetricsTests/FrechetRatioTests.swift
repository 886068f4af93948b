import GenerativeMetrics
import Testing

@Suite struct FrechetRatioTests {
  /// By hand: 2, 1, 1, 3, 1 and 1 times the distances of validation images.
  @Test func byHand() throws {
    let distances: [FrechetRatio: Double] = [
      .inception: 3.36, .convNeXtV2: 56.87, .dinov2: 14.19, .mae: 0.12, .siglip2: 0.6, .clip: 5.6,
    ]
    #expect(abs(FrechetRatio.inception(3.36) - 2) < 1e-15)
    let mean = try #require(FrechetRatio.meanOfSix(distances))
    #expect(abs(mean - 1.5) < 1e-15)
    // All six are needed for the mean.
    for network in FrechetRatio.allCases {
      #expect(FrechetRatio.meanOfSix(distances.filter { $0.key != network }) == nil)
    }
  }

  @Test func whatRoundingLeaves() {
    #expect(abs(FrechetRatio.mae.relativeUncertainty - 0.125) < 1e-15)
    #expect(FrechetRatio.allCases.allSatisfy { $0 == .mae || $0.relativeUncertainty < 0.009 })
  }
}
