import GenerativeMetrics
import Testing
import _TestSupport

@Suite("Trainings of a recipe") struct TrainingVariationTests {
  /// By hand: S² = 1, mean s² = 0.25, so that τ² = 1 - 0.25 + 0.1. The variance of the mean is 1/3 + 0.1 with
  /// (13/30)² / ((1/3)² / 2) = 3.38 degrees of freedom, of which 3 are used: Student's t is 3.182446.
  @Test func byHand() throws {
    let recipe = try TrainingVariation(
      [1, 2, 3], standardErrors: [0.5, 0.3, 0.41.squareRoot()], covariance: 0.1)
    #expect(recipe.mean == 2)
    #expect(recipe.deviation == 1)
    #expect(abs(recipe.samplingDeviation - 0.5) < 1e-15)
    #expect(abs(recipe.trainingDeviation - 0.85.squareRoot()) < 1e-15)
    let error = (1.0 / 3 + 0.1).squareRoot()
    #expect(abs(recipe.standardError - error) < 1e-15)
    #expect(abs(recipe.interval.upperBound - (2 + 3.182446 * error)) < 1e-6)
    #expect(abs(recipe.interval.lowerBound - (2 - 3.182446 * error)) < 1e-6)
  }

  /// By hand: 1/3 + 4/3 with (5/3)² / ((1/3)²/2 + (4/3)²/2) = 2.94 degrees of freedom, of which 2 are used: Student's t
  /// is 4.302653. What sampling adds to both alike cancels.
  @Test func differenceByHand() throws {
    let first = try TrainingVariation(
      [1, 2, 3], standardErrors: [0.5, 0.5, 0.5], covariance: 0.2)
    let second = try TrainingVariation(
      [8, 10, 12], standardErrors: [0.5, 0.5, 0.5], covariance: 0.2)
    let paired = TrainingVariation.Difference(first, second, covariance: 0.2)
    #expect(paired.value == 8)
    #expect(paired.degreesOfFreedom == 2)
    #expect(abs(paired.standardError - (5.0 / 3).squareRoot()) < 1e-15)
    let half = 4.302653 * (5.0 / 3).squareRoot()
    #expect(abs(paired.interval.upperBound - (8 + half)) < 1e-5)
    let independent = TrainingVariation.Difference(first, second, covariance: 0)
    #expect(abs(independent.standardError - (5.0 / 3 + 0.4).squareRoot()) < 1e-15)
    // More in common than there is does not make the variance smaller than that of the trainings.
    let impossible = TrainingVariation.Difference(first, second, covariance: 1)
    #expect(impossible.standardError == paired.standardError)
  }

  @Test func samplingExplainsSmallDifferences() throws {
    let recipe = try TrainingVariation([5, 5, 5], standardErrors: [1, 1, 1], covariance: 0.9)
    #expect(recipe.trainingDeviation == 0)
    #expect(abs(recipe.standardError - 0.9.squareRoot()) < 1e-15)
    // The error is that of sampling alone, which thousands of samples determine.
    #expect(abs(recipe.interval.upperBound - 5 - 1.96 * 0.9.squareRoot()) < 1e-3)
    let exact = try TrainingVariation([5, 5], standardErrors: [0, 0], covariance: 0)
    #expect(exact.interval == 5...5)
  }

  @Test func rejections() {
    #expect(throws: MetricError.self) {
      try TrainingVariation([1], standardErrors: [1], covariance: 0)
    }
    #expect(throws: MetricError.self) {
      try TrainingVariation([1, 2], standardErrors: [1], covariance: 0)
    }
    #expect(throws: MetricError.self) {
      try TrainingVariation([1, .nan], standardErrors: [1, 1], covariance: 0)
    }
    #expect(throws: MetricError.self) {
      try TrainingVariation([1, 2], standardErrors: [1, 1], covariance: .infinity)
    }
  }
}
