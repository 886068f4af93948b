import FeatureExtractors
import Features
import Files
import GenerativeMetrics
import References
import Results

/// One side of a comparison, reduced to what the metrics need.
package enum Side {
  case images(FeatureCollection)
  /// Statistics, and the features of the images in the same file.
  case statistics(ReferenceStatistics, images: FeatureCollection?)

  var count: Int? {
    switch self {
    case .images(let collection): collection.count
    case .statistics(let statistics, _): statistics.count
    }
  }

  /// How the images behind statistics were prepared, by their record; nil for images, or if it is not known.
  var recordedPreprocessing: String? {
    if case .statistics(let statistics, _) = self {
      statistics.record?.extractor.preprocessing
    } else {
      nil
    }
  }

  var sha256: String? {
    if case .images(let collection) = self { collection.sha256 } else { nil }
  }

  /// The digests of the images; nil without images.
  var digests: SampleDigests? {
    if case .images(let collection) = self { collection.digests } else { nil }
  }

  /// The means of the quarters of the images; nil without images, or if they are not known.
  var means: SampleMeans? {
    guard case .images(let collection) = self, collection.means.count == collection.count else {
      return nil
    }
    return collection.means
  }

  /// Returns the feature rows; nil if there are none.
  func rows(_ preparation: Preparation) throws -> FeatureRows? {
    switch self {
    case .images(let collection), .statistics(_, images: .some(let collection)):
      try collection.prepared[preparation].map {
        try FeatureRows($0.pooled.rows, dimension: $0.pooled.dimension)
      }
    case .statistics(let statistics, images: nil): try statistics.featureRows()
    }
  }

  /// Returns the Gaussian of the pooled or of the spatial features; nil if there is none.
  func gaussian(_ key: DistanceKey) throws(MetricError) -> FactoredGaussian? {
    switch self {
    case .statistics(let statistics, _):
      guard let gaussian = key.isSpatial ? statistics.spatial : statistics.gaussian else {
        return nil
      }
      return try FactoredGaussian(gaussian)
    case .images(let collection):
      return try collection.prepared[key.preparation]?.features(key.isSpatial)?.factored(key.mean)
    }
  }
}

extension PreparedFeatures {
  func features(_ isSpatial: Bool) -> FeatureSet? { isSpatial ? spatial : pooled }
}

/// The Gaussian of a side that a distance is computed from.
struct DistanceKey: Hashable {
  let preparation: Preparation
  let mean: MeanPrecision
  let isSpatial: Bool
}

extension Side {
  /// The sizes and properties of the images; nil without images.
  var tally: ImageTally? {
    switch self {
    case .images(let collection): collection.tally
    case .statistics(_, let images): images?.tally
    }
  }

  func provenance(path: String, dialect: Dialect?) -> ReferenceProvenance {
    switch self {
    case .images(let collection):
      ReferenceProvenance(
        file: lastComponent(path), sha256: collection.sha256, dataset: nil,
        count: collection.count, dialect: dialect?.rawValue)
    case .statistics(let statistics, _): statistics.provenance
    }
  }
}
