import Files
import Foundation
import GenerativeMetrics
import Results

/// A description of a file of statistics for people and programs.
public struct StatisticsDescription: Codable, Sendable {
  /// The name and version of this document's schema.
  public var schema = "dis-eval-statistics-description/1"
  /// The path as given.
  public var file: String
  /// The name in the registry, found by hash.
  public var name: String?
  /// The layout of the file.
  public var format: ReferenceStatistics.Format
  /// The size of the file in bytes.
  public var bytes: Int
  /// The SHA-256 of the file.
  public var sha256: String
  /// All arrays in the file.
  public var arrays: [TensorLine]
  /// The name of the described statistics in a file with those of several extractors; nil for other files.
  public var part: String?
  /// The names of all statistics in such a file.
  public var parts: [String]?
  /// The name of the extractor, if the record or the part says it.
  public var extractor: String?
  /// The length of a feature vector.
  public var dimension: Int
  /// The length of a spatial feature vector, or nil if there are none.
  public var spatialDimension: Int?
  /// The data set.
  public var dataset: Dataset?
  /// The number of images, or nil if it is unknown.
  public var count: Int?
  /// The tool whose processing produced the features.
  public var dialect: Dialect?
  /// The number subtracted from the count in the divisor of the covariance.
  public var ddof: Int?
  /// The side of the images in pixels.
  public var resolution: Int?
  /// The precision in which the mean was summed.
  public var meanPrecision: MeanPrecision
  /// How the images became squares, such as `adm`; nil if they were taken as they are, or it is unknown.
  public var crop: String?
  /// The sum of the variances.
  public var trace: Double
  /// The smallest and the largest eigenvalue of the covariance.
  public var eigenvalues: [Double]
  /// The rank of the covariance in float64.
  public var rank: Int
  /// The ratio of the largest to the smallest eigenvalue, or nil for a singular covariance.
  public var condition: Double?
  /// The asserted facts that nothing confirms.
  public var asserted: [String]?
  /// The sources with which the hash was compared: `registry`, `lock`, `record`. Empty if there is
  /// none.
  public var verifiedBy: [String]

  /// Reads and describes a file, or a name in the registry.
  ///
  /// - Parameters:
  ///   - reference: The path, or the name.
  ///   - part: The name of the statistics to describe, in a file with those of several extractors; nil for those of
  ///     Inception.
  /// - Throws: `Failure` `HashMismatch` (65) if a file in the registry differs from the published
  ///   or first one; otherwise as ``resolveReference(_:)`` and ``ReferenceStatistics/init(path:)``.
  public init(reference: String, part: String? = nil) throws {
    let path = try resolveReference(reference)
    let statistics = try ReferenceStatistics(path: path, part: part)
    let cached = try StatisticsCache()
    let entry = cached.registry.entries.first { cached.path(of: $0) == path } ?? statistics.entry
    let lock = try entry.flatMap { try StatisticsCache.lock($0.name) }
    var verifiedBy: [String] = []
    if let entry {
      try StatisticsCache.check(statistics.sha256, of: path, entry: entry, lock: lock)
      if entry.sha256 != nil { verifiedBy.append("registry") }
      if lock != nil { verifiedBy.append("lock") }
    }
    if statistics.record != nil { verifiedBy.append("record") }
    let spectrum: Spectrum
    do {
      spectrum = try statistics.gaussian.spectrum()
    } catch {
      throw StatisticsContent.refusal(path, error)
    }
    file = path
    name = entry?.name
    format = statistics.format
    bytes = try ReadableFile(path: path).size
    sha256 = statistics.sha256
    arrays = statistics.arrays
    self.part = statistics.part
    parts = statistics.parts.isEmpty ? nil : statistics.parts
    extractor =
      statistics.record?.extractor.name
      ?? statistics.part.flatMap { StatisticsContent.extractors[$0] }
    dimension = statistics.dimension
    spatialDimension = statistics.spatial?.dimension
    dataset = statistics.record?.dataset ?? entry?.dataset
    count = statistics.count
    dialect = statistics.dialect
    ddof = statistics.ddof
    resolution = statistics.resolution
    meanPrecision = statistics.meanPrecision
    crop = statistics.record?.crop
    trace = statistics.gaussian.trace
    eigenvalues = [spectrum.smallest, spectrum.largest]
    rank = spectrum.rank
    condition = spectrum.condition
    asserted = statistics.record?.asserted
    self.verifiedBy = verifiedBy
  }

  /// Returns the document as JSON with sorted keys, indented, with a final newline.
  ///
  /// - Throws: `EncodingError` if a number is not finite.
  public func json() throws -> [UInt8] { try encodedJSON(self) }
}
