import FeatureExtractors
import Features
import GenerativeMetrics
import References

/// The distance between two sides in the base dialect, and how it changes with single differences
/// between dialects.
struct Attribution {
  /// The distance in the base dialect.
  let value: Double
  private let ways: Ways
  /// The precision of the base's mean.
  private let mean: MeanPrecision
  private var distances: DistanceTable

  /// Creates the attribution for features in all preparations of `ways`.
  ///
  /// - Throws: `Failure` with the code of a `MetricError` if the distance is not defined.
  init(
    base: DialectDefinition, ways: Ways, subject: FeatureCollection, reference: FeatureCollection
  ) throws {
    (self.ways, mean) = (ways, base.mean)
    distances = DistanceTable(subject: subject, reference: reference)
    value = try distances.value(ways.base, mean)
  }

  /// Returns the distance in a dialect, whose difference from the base is divided into the parts of
  /// the resize, the scale and the mean.
  mutating func line(of dialect: Dialect) throws -> Explanation.DialectLine {
    let definition = dialect.definition
    let end = ways.effective(definition.preparation)
    let between = ways.effective(Preparation(definition.preparation.resize, ways.base.scale))
    let steps = try [
      value, distances.value(between, mean), distances.value(end, mean),
      distances.value(end, definition.mean),
    ]
    return Explanation.DialectLine(
      dialect: dialect.rawValue, value: steps[3], difference: steps[3] - value,
      resize: steps[1] - steps[0], scale: steps[2] - steps[1], meanPrecision: steps[3] - steps[2])
  }

  /// Returns the changes to the preparation of images.
  mutating func changesOfPreparation() throws -> [Explanation.Change] {
    let start = ways.base
    var changes: [Explanation.Change] = []
    for resize in Preparation.Resize.allCases where resize != start.resize {
      let distance = try distances.value(Preparation(resize, start.scale), mean)
      changes.append(change("resize", resize.rawValue, distance))
    }
    for scale in Preparation.Scale.allCases where scale != start.scale {
      let distance = try distances.value(Preparation(start.resize, scale), mean)
      changes.append(change("scale", scale.rawValue, distance))
    }
    let rounded = try distances.value(ways.rounded, mean)
    return changes + [change("quantisation", "resized images rounded to bytes", rounded)]
  }

  /// Returns the changes to the mean and the covariance.
  mutating func changesOfMoments() throws -> [Explanation.Change] {
    let otherMean: MeanPrecision = mean == .float64 ? .float32 : .float64
    return [
      change("mean precision", otherMean.rawValue, try distances.value(ways.base, otherMean)),
      change("ddof", "0 (divided by N)", try distances.biased(ways.base, mean)),
    ]
  }

  /// Returns the change to different weights, whose features of the two sides are given.
  ///
  /// - Parameter file: The file of the weights.
  func change(
    ofWeights file: String, subject: FeatureCollection, reference: FeatureCollection
  ) throws -> Explanation.Change {
    var others = DistanceTable(subject: subject, reference: reference)
    return change("weights", file, try others.value(ways.base, mean))
  }

  private func change(_ kind: String, _ to: String, _ changed: Double) -> Explanation.Change {
    Explanation.Change(kind: kind, to: to, value: changed, difference: changed - value)
  }
}

/// The preparations of all dialects, and those between the base and them.
struct Ways {
  let base: Preparation
  /// The base's preparation with the resized image rounded to bytes.
  let rounded: Preparation
  /// All preparations, each once.
  let all: [Preparation]
  private let extractor: any FeatureExtractor

  init(base: DialectDefinition, extractor: any FeatureExtractor) {
    self.extractor = extractor
    let start = base.preparation
    self.base = extractor.effective(start)
    rounded = Preparation(start.resize, start.scale, roundsToBytes: true)
    var wanted = Dialect.allCases.map(\.definition.preparation)
    wanted += Preparation.Resize.allCases.map { Preparation($0, start.scale) }
    wanted += Preparation.Scale.allCases.map { Preparation(start.resize, $0) } + [rounded]
    all = wanted.reduce(into: []) { result, preparation in
      let effective = extractor.effective(preparation)
      if !result.contains(effective) { result.append(effective) }
    }
  }

  func effective(_ preparation: Preparation) -> Preparation { extractor.effective(preparation) }
}
