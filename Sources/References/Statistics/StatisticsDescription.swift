import Files
import Foundation
import GenerativeMetrics
import Results

/// What a file of statistics is, for people and programs.
public struct StatisticsDescription: Codable, Sendable {
  /// Name and version of this form.
  public var schema = "dis-eval-statistics-description/1"
  /// The path as given.
  public var file: String
  /// Its name in the registry, by hash.
  public var name: String?
  /// How it is laid out.
  public var format: ReferenceStatistics.Format
  /// Size in bytes.
  public var bytes: Int
  /// SHA-256 of the file.
  public var sha256: String
  /// Every array in it.
  public var arrays: [TensorLine]
  /// Length of a feature vector.
  public var dimension: Int
  /// Length of a spatial feature vector, nil when there are none.
  public var spatialDimension: Int?
  /// The data set.
  public var dataset: Dataset?
  /// Images, nil when that is unknown.
  public var count: Int?
  /// The tool in whose way the features were made.
  public var dialect: Dialect?
  /// Divisor of the covariance: count minus this.
  public var ddof: Int?
  /// Side of the images.
  public var resolution: Int?
  /// The precision that the mean was summed in.
  public var meanPrecision: MeanPrecision
  /// Sum of the variances.
  public var trace: Double
  /// Smallest and largest eigenvalue of the covariance.
  public var eigenvalues: [Double]
  /// Independent directions of the covariance in float64.
  public var rank: Int
  /// Largest over smallest eigenvalue, nil for a singular covariance.
  public var condition: Double?
  /// The facts that nothing confirms.
  public var asserted: [String]?
  /// What the hash was compared with: `registry`, `lock`, `record`. None of them: empty.
  public var verifiedBy: [String]

  /// Reads and describes a file, or one of the registry by name.
  ///
  /// - Throws: `Failure` as ``ReferenceStatistics``, and `HashMismatch` when a file of the registry
  ///   is another than the published or the first one.
  public init(reference: String) throws {
    let path = try resolveReference(reference)
    let statistics = try ReferenceStatistics(path: path)
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
    dimension = statistics.dimension
    spatialDimension = statistics.spatial?.dimension
    dataset = statistics.record?.dataset ?? entry?.dataset
    count = statistics.count
    dialect = statistics.dialect
    ddof = statistics.ddof
    resolution = statistics.resolution
    meanPrecision = statistics.meanPrecision
    trace = statistics.gaussian.trace
    eigenvalues = [spectrum.smallest, spectrum.largest]
    rank = spectrum.rank
    condition = spectrum.condition
    asserted = statistics.record?.asserted
    self.verifiedBy = verifiedBy
  }

  /// The document as JSON.
  public func json() throws -> [UInt8] { try encodedJSON(self) }
}
