import FeatureExtractors
import Features
import Files
import Foundation
import GenerativeMetrics
import Images
import References
import Results
import Work

/// An explanation of why tools give different numbers for the same images: the Fréchet distance in
/// every dialect, and the contribution of each difference between them.
public struct Explanation: Codable, Sendable {
  /// The name and version of the document format.
  public var schema = "dis-eval-explanation/1"
  /// The dialect that the others are compared with.
  public var base: String
  /// `fid`, or `fd` for an extractor other than Inception.
  public var metric: String
  /// The distance in the base dialect.
  public var value: Double
  /// The distance in every dialect.
  public var dialects: [DialectLine]
  /// Every single change to the base dialect.
  public var changes: [Change]
  /// The numbers of images of both sides, the subject first.
  public var counts: [Int]
  /// The extractor.
  public var extractor: ExtractorProvenance
  /// The name and version of the tool.
  public var tool = "\(Tool.name) \(Tool.version)"

  /// One dialect, and the sources of its difference.
  public struct DialectLine: Codable, Sendable {
    /// The name of the dialect.
    public var dialect: String
    /// The distance in this dialect.
    public var value: Double
    /// ``value`` minus that of the base dialect: the sum of the three parts below.
    public var difference: Double
    /// The part due to the different resize, with the base's scale.
    public var resize: Double
    /// The additional part due to the different scale.
    public var scale: Double
    /// The additional part due to the different precision of the mean.
    public var meanPrecision: Double
  }

  /// The base dialect with one change.
  public struct Change: Codable, Sendable {
    /// `resize`, `scale`, `quantisation`, `mean precision`, `ddof` or `weights`.
    public var kind: String
    /// The value after the change.
    public var to: String
    /// The distance after the change.
    public var value: Double
    /// ``value`` minus that of the base dialect.
    public var difference: Double
  }

  /// Returns the document as JSON with sorted keys, indented, with a final newline.
  ///
  /// - Throws: `EncodingError` if a number is not finite.
  public func json() throws -> [UInt8] { try encodedJSON(self) }
}

/// Compares images in all dialects and attributes the differences.
public struct Explainer: Sendable {
  /// The paths of the images of both sides.
  public var images: (subject: String, reference: String)
  /// The dialect to compare the others with.
  public var base = Dialect.pytorchFID
  /// The path of the extractor's weights; nil for those in the user's cache.
  public var weights: String?
  /// The path of different weights, to measure their effect.
  public var otherWeights: String?
  /// The number of images to use from each side, the first ones; nil for all.
  public var count: Int?
  /// Whether subfolders of a folder of images are searched; nil to refuse a folder that has images
  /// both in itself and in a subfolder.
  public var recursive: Bool?
  /// The amount of work that runs at once.
  public var workload: Workload

  /// Creates an explainer of the images at two paths.
  public init(images: String, reference: String, weights: String?, workload: Workload) {
    self.images = (images, reference)
    self.weights = weights
    self.workload = workload
  }

  /// Computes the distance in every dialect, and in the base dialect with each change.
  ///
  /// - Parameter reporter: Receives the progress.
  /// - Throws: `Failure` (65) `ImagesNeeded` for statistics, whose images cannot be prepared
  ///   differently, `TooFewSamples` if a side has fewer than two images, `DimensionMismatch` if the
  ///   other weights have features of a different length, or the code of a `MetricError`; or the
  ///   error that loading the images or the extractor throws.
  public func run(reporter: Reporter) async throws -> Explanation {
    try workload.prepare()
    let sources = try [images.subject, images.reference].map { path in
      guard case .images(let source) = try ImagesOrStatistics(path: path, recursive: recursive)
      else {
        throw Failure(
          .dataRefused, .imagesNeeded, path,
          "is statistics; give images, because those of both sides are prepared in every way")
      }
      try checkEnough(source.count, path)
      return source
    }
    let loaded = try LoadedExtractor.choose(weights: weights, reference: nil)
    let other = try otherWeights.map { try LoadedExtractor(path: $0) }
    if let other, other.provenance.dimension != loaded.provenance.dimension {
      throw Failure(
        .dataRefused, .dimensionMismatch, other.provenance.file ?? "",
        "\(other.provenance.dimension) features, the other weights have "
          + "\(loaded.provenance.dimension)")
    }

    let ways = Ways(base: base.definition, extractor: loaded.network)
    let (subject, reference) = try await (
      collect(sources[0], "images", loaded.network, ways.all, reporter),
      collect(sources[1], "reference", loaded.network, ways.all, reporter)
    )
    var distances = DistanceTable(subject: subject, reference: reference)
    let start = ways.base
    let mean = base.definition.mean
    let value = try distances.value(start, mean)

    var explanation = Explanation(
      base: base.rawValue, metric: loaded.network.isInception ? "fid" : "fd", value: value,
      dialects: [], changes: [], counts: [subject.count, reference.count],
      extractor: loaded.provenance)
    for dialect in Dialect.allCases {
      let definition = dialect.definition
      let end = ways.effective(definition.preparation)
      let between = ways.effective(Preparation(definition.preparation.resize, start.scale))
      let steps = try [
        value, distances.value(between, mean), distances.value(end, mean),
        distances.value(end, definition.mean),
      ]
      explanation.dialects.append(
        Explanation.DialectLine(
          dialect: dialect.rawValue, value: steps[3], difference: steps[3] - value,
          resize: steps[1] - steps[0], scale: steps[2] - steps[1],
          meanPrecision: steps[3] - steps[2]))
    }

    func change(_ kind: String, _ to: String, _ changed: Double) {
      explanation.changes.append(
        Explanation.Change(kind: kind, to: to, value: changed, difference: changed - value))
    }
    if loaded.network.ownPreparation == nil {
      for resize in Preparation.Resize.allCases where resize != start.resize {
        let changed = Preparation(resize, start.scale)
        change("resize", resize.rawValue, try distances.value(changed, mean))
      }
      for scale in Preparation.Scale.allCases where scale != start.scale {
        let changed = Preparation(start.resize, scale)
        change("scale", scale.rawValue, try distances.value(changed, mean))
      }
      change(
        "quantisation", "resized images rounded to bytes",
        try distances.value(ways.rounded, mean))
    }
    let otherMean: MeanPrecision = mean == .float64 ? .float32 : .float64
    change("mean precision", otherMean.rawValue, try distances.value(start, otherMean))
    change("ddof", "0 (divided by N)", try distances.biased(start, mean))
    if let other {
      let features = try await [
        collect(sources[0], "images, other weights", other.network, [start], reporter),
        collect(sources[1], "reference, other weights", other.network, [start], reporter),
      ]
      var changed = DistanceTable(subject: features[0], reference: features[1])
      change("weights", other.provenance.file ?? "", try changed.value(start, mean))
    }
    return explanation
  }

  private func collect(
    _ source: ImageSource, _ activity: String, _ extractor: any FeatureExtractor,
    _ preparations: [Preparation], _ reporter: Reporter
  ) async throws -> FeatureCollection {
    let count = min(source.count, count ?? .max)
    try checkEnough(count, "`num`")
    let collector = FeatureCollector(
      extractor: extractor, demands: preparations.map { FeatureDemand(preparation: $0) },
      workload: workload, reporter: reporter)
    return try await collector.collect(
      ImageSupply(count: count, activity: activity) { (try source.image(at: $0), nil) })
  }
}

/// The preparations of all dialects, and those between the base and them.
private struct Ways {
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

/// Distances between the sides by preparation and precision of the mean, each computed once.
private struct DistanceTable {
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
