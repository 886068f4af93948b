import Foundation
import GenerativeMetrics
import Testing
import _TestSupport

@Suite("Estimates of metrics") struct MetricEstimateTests {
  private let summary = InfluenceSummary(
    standardError: 2, acceleration: 0.1, curvature: 0.05, degreesOfFreedom: 1e9)

  /// With w = 0.15 ± 1.96, `l = w / (1 - 0.1 w)²` and the end `10 + 2 (l + 0.05 l²)`.
  @Test func intervalByHand() {
    let estimate = MetricEstimate(10, summary)
    let q = studentQuantile(0.975, degreesOfFreedom: 100_000)
    func end(_ q: Double) -> Double {
      let w = 0.1 + 0.05 + q
      let l = w / ((1 - 0.1 * w) * (1 - 0.1 * w))
      return 10 + 2 * (l + 0.05 * l * l)
    }
    #expect(abs(estimate.interval().lowerBound - end(-q)) <= 1e-13)
    #expect(abs(estimate.interval().upperBound - end(q)) <= 1e-13)
    #expect(estimate.value == 10 && estimate.standardError == 2)
    let debiased = MetricEstimate(10, bias: 3, summary)
    #expect(debiased.value == 7)
    #expect(abs(debiased.interval().lowerBound - end(-q) + 3) <= 1e-13)
  }

  /// What the bias leaves out to second order is within the interval.
  @Test func theSecondOrderWidensTheInterval() {
    let plain = MetricEstimate(10, bias: 3, summary).interval()
    for second in [2.5, 3.75] {
      let wide = MetricEstimate(10, bias: 3, secondOrderBias: second, summary)
      #expect(wide.value == 7)
      let (low, high) = (wide.interval().lowerBound, wide.interval().upperBound)
      #expect(abs(low - (plain.lowerBound - max(second - 3, 0))) <= 1e-12)
      #expect(abs(high - (plain.upperBound - min(second - 3, 0))) <= 1e-12)
    }
  }

  /// A limit at the end of an interval of confidence 1 - 2p has the probability p or 1 - p.
  @Test("limits agree with intervals", arguments: [0.5, 0.9, 0.95, 0.999])
  func limits(confidence: Double) {
    let jackknife = Jackknife(
      value: 5, leftOut: (0..<20).map { $0 % 2 == 0 ? 5.1 : 4.9 }, count: 200)
    var estimates = [MetricEstimate(10, summary), MetricEstimate(10, bias: 2, summary)]
    for title in [MetricTitle.fid, .kernelDistance, .density] {
      estimates += [false, true].map { MetricEstimate(jackknife, of: title, isDebiased: $0) }
    }
    for estimate in estimates {
      let interval = estimate.interval(confidence: confidence)
      #expect(interval.contains(estimate.value))
      let (low, high) = (interval.lowerBound, interval.upperBound)
      let p = (1 - confidence) / 2
      #expect(abs(estimate.probability(atLimit: low) - p) <= 1e-9)
      #expect(abs(estimate.probability(atLimit: high) - (1 - p)) <= 1e-9)
    }
  }

  @Test func withoutVariationALimitIsExact() {
    let estimate = MetricEstimate(
      Jackknife(value: 5, leftOut: [5, 5], sizes: [4, 4]), of: .fid)
    #expect(estimate.interval() == 5...5)
    #expect(estimate.probability(atLimit: 4) == 0 && estimate.probability(atLimit: 6) == 1)
  }

  /// A skewness at which the formula has its pole between the quantiles leaves an interval without an end.
  @Test("extreme skewness has wide intervals", arguments: [0.7, -0.7])
  func pole(acceleration: Double) {
    let skewed = InfluenceSummary(
      standardError: 1, acceleration: acceleration, curvature: 0, degreesOfFreedom: 5)
    let interval = MetricEstimate(10, skewed).interval()
    #expect(interval.lowerBound >= 0 && interval.contains(10))
    #expect(acceleration > 0 ? interval.upperBound == .infinity : interval.lowerBound == 0)
    for curvature in [-3.0, -0.2, 0.2, 3] {
      let bent = InfluenceSummary(
        standardError: 1, acceleration: acceleration, curvature: curvature, degreesOfFreedom: 5)
      let interval = MetricEstimate(10, bent).interval()
      #expect(interval.lowerBound <= interval.upperBound)
    }
  }

  @Test func degreesOfFreedomHaveBounds() {
    func degrees(_ value: Double) -> Int {
      InfluenceSummary(
        standardError: 1, acceleration: 0, curvature: 0, degreesOfFreedom: value
      ).degreesOfFreedom
    }
    #expect(degrees(0.2) == 1 && degrees(7.9) == 7 && degrees(.infinity) == 100_000)
    #expect(degrees(.nan) == 1 || degrees(.nan) == 100_000)
  }

  /// Two sets of the same error halve the variance; what cubes divide by the root of two.
  @Test func meansOfSets() {
    let mean = InfluenceSummary.mean(of: [summary, summary])
    #expect(abs(mean.standardError - 2 / 2.squareRoot()) <= 1e-14)
    #expect(abs(mean.acceleration - 0.1 / 2.squareRoot()) <= 1e-15)
    #expect(abs(mean.curvature - 0.05 / 2.squareRoot()) <= 1e-15)
    let few = InfluenceSummary(
      standardError: 2, acceleration: 0, curvature: 0, degreesOfFreedom: 20)
    #expect(39...40 ~= InfluenceSummary.mean(of: [few, few]).degreesOfFreedom)
    #expect(InfluenceSummary.mean(of: []).standardError == 0)
  }

  @Test("the scale of each metric", arguments: MetricTitle.allCases)
  func scales(title: MetricTitle) {
    let jackknife = Jackknife(value: 0.9, leftOut: [0.7, 1.1], sizes: [4, 4])
    let interval = jackknife.interval(of: title)
    switch title {
    case .kernelDistance, .discrepancy, .clipDiscrepancy, .classKernelDistance:
      #expect(interval == jackknife.interval)
    case .precision:
      // Wilson's interval of 0.9 of 8.
      let z = studentQuantile(0.975, degreesOfFreedom: 100_000)
      for end in [interval.lowerBound, interval.upperBound] {
        #expect(abs(abs(0.9 - end) - z * (end * (1 - end) / 8).squareRoot()) <= 1e-12)
      }
    case .recall, .coverage, .classDistance:
      #expect(interval.lowerBound == 0 && interval.upperBound == 1)
    case .density, .authenticity, .duplicates:
      #expect(interval.lowerBound == 0 && interval.upperBound == jackknife.interval.upperBound)
    default: #expect(interval == jackknife.positiveInterval)
    }
    #expect(
      title.higherIsBetter
        == [
          "is", "cs", "precision", "recall", "density", "coverage", "vendi", "total_variance",
          "authpct",
        ].contains(title.rawValue))
    #expect(
      (title.extractor == MetricTitle.inception)
        == ["fid", "is", "mifid", "mifid_generated"].contains(title.rawValue))
    #expect((title.extractor == MetricTitle.dinov2) == (title.rawValue == "fd_dinov2"))
    #expect(title.isFrechetDistance == ["fid", "sfid", "fd", "fd_dinov2"].contains(title.rawValue))
    #expect(title.named(by: title.extractor ?? "another") == title)
  }

  /// If all of 50 images count, the share may still be below 1: the lower end is `1 / (1 + z² / 50)`.
  @Test func allImagesCount() {
    let jackknife = Jackknife(
      value: 1, leftOut: [Double](repeating: 1, count: 20), count: 50)
    let estimate = MetricEstimate(jackknife, of: .precision)
    let z = studentQuantile(0.975, degreesOfFreedom: 100_000)
    #expect(abs(estimate.interval().lowerBound - 1 / (1 + z * z / 50)) <= 1e-12)
    #expect(estimate.interval().upperBound == 1)
    let none = Jackknife(value: 0, leftOut: [Double](repeating: 0, count: 20), count: 400)
    #expect(MetricEstimate(none, of: .precision).interval().lowerBound == 0)
    #expect(abs(estimate.probability(atLimit: estimate.interval().lowerBound) - 0.025) <= 1e-9)
  }
}
