import Files
import Foundation
import GenerativeMetrics

/// The results of the same images with several extractors.
public struct JointResult: Codable, Sendable {
  /// The name and version of the document format.
  public var schema = JointResult.currentSchema
  /// The result of each extractor, by its name.
  public var results: [String: EvaluationResult]
  /// The Fréchet distances divided by those of ImageNet's validation images, and FDr-6; nil unless all six extractors
  /// of FD-loss are there.
  public var frechetRatios: Ratios?

  static let currentSchema = "dis-eval-extractors/1"

  /// Fréchet distances divided by those of ImageNet's validation images.
  public struct Ratios: Codable, Sendable {
    /// FDr-6, the mean of ``ratios``.
    public var fdr6: Double
    /// The interval for its expectation, from the same groups of images for all networks; nil if a distance has no
    /// jackknife.
    public var interval: ClosedRange<Double>?
    /// How far FDr-6 may be off because the distances of the validation images are published with few digits. It is the
    /// same for everybody, so that comparisons do not depend on it.
    public var rounding: Double
    /// The ratio of each network.
    public var ratios: [String: Double]
  }

  /// Creates a document from results.
  ///
  /// - Parameter results: The results, each of a different extractor.
  public init(_ results: [EvaluationResult]) {
    self.results = Dictionary(
      results.map { ($0.provenance.extractor.name, $0) }, uniquingKeysWith: { first, _ in first })
    frechetRatios = Ratios(self.results)
  }

  /// Returns the path for the result of one extractor: that of a file with the name before its extension, such as
  /// `result.inception-2015.json`.
  public static func path(_ path: String, of extractor: String) -> String {
    let folder = path.lastIndex(of: "/").map { path[...$0] } ?? ""
    let name = path.dropFirst(folder.count)
    guard let dot = name.lastIndex(of: "."), dot > name.startIndex else {
      return "\(path).\(extractor)"
    }
    return "\(folder)\(name[..<dot]).\(extractor)\(name[dot...])"
  }

  /// Returns the document as JSON with sorted keys, indented, with a final newline.
  ///
  /// - Throws: `EncodingError` if a number is not finite.
  public func json() throws -> [UInt8] { try encodedJSON(self) }
}

extension JointResult.Ratios {
  /// The extractors of FD-loss.
  private static let extractors: [FrechetRatio: String] = [
    .inception: MetricTitle.inception, .convNeXtV2: "convnextv2-b.fdr",
    .dinov2: "dinov2-vit-l-14.fdr", .mae: "mae-vit-l-16.fdr", .siglip2: "siglip2-so400m-16.fdr",
    .clip: "clip-vit-l-14.fdr",
  ]

  /// Computes the ratios; nil unless there is a distance of all six networks.
  fileprivate init?(_ results: [String: EvaluationResult]) {
    let metrics = Self.extractors.compactMapValues { name in
      results[name].flatMap { result in
        [MetricTitle.fid, .frechetDistance].compactMap { result.metrics[$0.rawValue] }.first
      }
    }
    guard let mean = FrechetRatio.meanOfSix(metrics.mapValues(\.value)) else { return nil }
    fdr6 = mean
    let all = metrics.map { (network: $0.key, ratio: $0.key($0.value.value)) }
    ratios = Dictionary(uniqueKeysWithValues: all.map { ($0.network.rawValue, $0.ratio) })
    rounding =
      all.reduce(0) { $0 + $1.ratio * $1.network.relativeUncertainty } / Double(all.count)
    interval = Self.interval(mean, metrics, counts: Set(results.values.map(\.provenance.num)))
  }

  /// Returns the interval of the mean, if all distances have values without the same groups of images.
  private static func interval(
    _ mean: Double, _ metrics: [FrechetRatio: EvaluationResult.Metric], counts: Set<Int?>
  ) -> ClosedRange<Double>? {
    guard counts.count == 1, let count = counts.first ?? nil, count >= Jackknife.minimumCount
    else { return nil }
    let leftOut = (0..<Jackknife.groupCount).compactMap { group in
      FrechetRatio.meanOfSix(
        metrics.compactMapValues { metric in
          guard metric.interval != nil, let values = metric.jackknife?.values,
            values.count == Jackknife.groupCount
          else { return nil }
          return values[group]
        })
    }
    guard leftOut.count == Jackknife.groupCount else { return nil }
    return Jackknife(value: mean, leftOut: leftOut, count: count).interval(of: .frechetDistance)
  }
}
