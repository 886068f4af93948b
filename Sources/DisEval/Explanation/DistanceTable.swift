import FeatureExtractors
import Features
import Files
import GenerativeMetrics
import References
import Results

/// Distances between the sides by preparation and precision of the mean, each computed once.
struct DistanceTable {
  private struct Key: Hashable {
    let preparation: Preparation
    let mean: MeanPrecision
  }

  let subject: FeatureCollection
  let reference: FeatureCollection
  private var known: [Key: FrechetDistance] = [:]

  init(subject: FeatureCollection, reference: FeatureCollection) {
    self.subject = subject
    self.reference = reference
  }

  mutating func value(_ preparation: Preparation, _ mean: MeanPrecision) throws -> Double {
    try distance(preparation, mean).value
  }

  /// Returns the distance with covariances divided by N.
  ///
  /// With `f = (N - 1) / N`, and `g` likewise for the other side, the traces of the covariances are
  /// multiplied by f and g, and the trace of the root of their product by √(fg).
  mutating func biased(_ preparation: Preparation, _ mean: MeanPrecision) throws -> Double {
    let distance = try distance(preparation, mean)
    let (a, b) = (
      try factored(subject, preparation, mean).trace,
      try factored(reference, preparation, mean).trace
    )
    let root = (a + b - distance.traceTerm) / 2
    let f = Double(subject.count - 1) / Double(subject.count)
    let g = Double(reference.count - 1) / Double(reference.count)
    return distance.meanTerm + a * f + b * g - 2 * root * (f * g).squareRoot()
  }

  private mutating func distance(
    _ preparation: Preparation, _ mean: MeanPrecision
  ) throws -> FrechetDistance {
    let key = Key(preparation: preparation, mean: mean)
    if let distance = known[key] { return distance }
    let own = try factored(subject, preparation, mean)
    let other = try factored(reference, preparation, mean)
    do throws(MetricError) {
      let distance = try frechetDistance(between: own, and: other)
      known[key] = distance
      return distance
    } catch {
      throw Failure(error, "Fréchet distance")
    }
  }

  private func factored(
    _ collection: FeatureCollection, _ preparation: Preparation, _ mean: MeanPrecision
  ) throws -> FactoredGaussian {
    guard let set = collection.prepared[preparation]?.pooled else {
      preconditionFailure("features of \(preparation.description) were not collected")
    }
    do throws(MetricError) {
      return try set.factored(mean)
    } catch {
      throw Failure(error, "Fréchet distance")
    }
  }
}
