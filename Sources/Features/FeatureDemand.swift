import FeatureExtractors
import GenerativeMetrics
import References
import Results

/// The features of images in one preparation that the metrics need.
package struct FeatureDemand: Sendable {
  /// The preparation of the images.
  package let preparation: Preparation
  /// The conventions of the Inception Score, each once.
  package var scores: [InceptionScore.Convention] = []
  /// Whether the features of sFID are wanted.
  package var spatial = false
  /// The number of feature rows to keep, from the first images.
  package var keptRows = 0
  /// Whether the metrics have intervals.
  package var intervals = false

  /// Creates a demand without Inception Scores.
  ///
  /// - Parameters:
  ///   - preparation: The preparation of the images.
  ///   - spatial: Whether the features of sFID are wanted.
  ///   - keptRows: The number of feature rows to keep, from the first images; `.max` for all.
  ///   - intervals: Whether the metrics have intervals.
  package init(
    preparation: Preparation, spatial: Bool = false, keptRows: Int = 0, intervals: Bool = false
  ) {
    (self.preparation, self.spatial) = (preparation, spatial)
    (self.keptRows, self.intervals) = (keptRows, intervals)
  }
}

extension FeatureDemand {
  /// Returns what metrics need, with one demand for each preparation.
  ///
  /// - Parameters:
  ///   - dialects: The dialects in which the metrics are computed.
  ///   - metrics: The names of the metrics.
  ///   - isSubject: Whether the images are those evaluated, which alone need Inception Scores.
  ///   - intervals: Whether the metrics have intervals.
  ///   - extractor: The extractor, which may have its own preparation; nil if there is none.
  package static func of(
    _ dialects: [Dialect], metrics: Set<MetricName>, isSubject: Bool, intervals: Bool,
    extractor: (any FeatureExtractor)?
  ) -> [FeatureDemand] {
    var demands: [FeatureDemand] = []
    for dialect in dialects {
      let definition = dialect.definition
      let preparation =
        extractor?.effective(definition.preparation) ?? definition.preparation
      if !demands.contains(where: { $0.preparation == preparation }) {
        demands.append(
          FeatureDemand(
            preparation: preparation, spatial: metrics.contains(.sfid),
            keptRows: metrics.isDisjoint(with: MetricName.ofRows) ? 0 : .max,
            intervals: intervals))
      }
      let score = definition.score.definition
      for index in demands.indices
      where demands[index].preparation == preparation && isSubject
        && metrics.contains(.inceptionScore) && !demands[index].scores.contains(score)
      {
        demands[index].scores.append(score)
      }
    }
    return demands
  }
}
