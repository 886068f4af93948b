import Crypto
import Files
import Foundation
import Results

/// The document `run.json` of a run: what is sampled, how the samples are divided into units, and
/// how they are scored.
public struct RunRecord: Codable, Sendable {
  /// The name and version of the document format.
  public var schema = RunRecord.currentSchema
  /// The settings that determine the bytes of samples and features.
  public var configuration: RunConfiguration
  /// The number of samples in a full unit.
  public var unit: Int
  /// The requested numbers of samples, ascending; the last is that of the run. Each starts a new
  /// unit, so that a short last unit remains valid when a run grows.
  public var counts: [Int]
  /// How `merge` scores the run.
  public var scoring: Scoring

  static let currentSchema = "dis-eval-run/1"

  /// Creates a record of this version from its properties.
  ///
  /// - Parameters:
  ///   - configuration: The settings that determine the bytes of samples and features.
  ///   - unit: The number of samples in a full unit, `1...maximumUnit`.
  ///   - counts: The requested numbers of samples, ascending, each `1...maximumCount`; the last is
  ///     that of the run.
  ///   - scoring: How `merge` scores the run.
  package init(
    configuration: RunConfiguration, unit: Int, counts: [Int], scoring: Scoring
  ) {
    (self.configuration, self.unit) = (configuration, unit)
    (self.counts, self.scoring) = (counts, scoring)
  }

  /// The settings for scoring that are not in ``RunConfiguration``.
  public struct Scoring: Codable, Sendable {
    /// The absolute path of the reference.
    public var reference: String
    /// The SHA-256 of the reference; nil for images.
    public var referenceSha256: String?
    /// The absolute path of the extractor's weights; nil to find them.
    public var weights: String?
    /// The requested preset.
    public var preset: String?
    /// A dialect or `all`; nil for the one that matches the reference.
    public var dialect: String?
    /// The reference's dialect, if specified.
    public var referenceDialect: String?
    /// The metrics that must be computed.
    public var metrics: [String]?
    /// The metrics to compute if the inputs allow.
    public var optionalMetrics: [String]
    /// Whether there are intervals; nil in runs of earlier versions, which have them.
    public var givesIntervals: Bool?
    /// Whether inputs that are known not to match are compared anyway.
    public var allowsMismatch: Bool
    /// Whether subfolders of a folder of images are searched; nil if not specified.
    public var recursive: Bool?
    /// Whether images of the reference that cannot be decoded are left out; nil to refuse them.
    public var skipsBroken: Bool?
  }

  /// The number of samples of the whole run.
  public var count: Int { counts.last ?? 0 }

  package static func path(in folder: String) -> String { "\(folder)/run.json" }

  /// Reads the record of the run in `folder`.
  ///
  /// - Throws: `Failure` `NotARun` (66) if there is none, `RunDamaged` (65) if it is not valid.
  static func read(folder: String) throws -> RunRecord {
    let path = path(in: folder)
    let file: ReadableFile
    do throws(Failure) {
      file = try ReadableFile(path: path)
    } catch {
      guard error.code == .notFound else { throw error }
      throw Failure(
        .inputMissing, .notARun, folder,
        "has no run.json; give a folder that 'dis-eval fid `run`' started")
    }
    guard file.size <= 1 << 20 else {
      throw Failure(.dataRefused, .runDamaged, path, "\(file.size) bytes, expected a few thousand")
    }
    let record: RunRecord = try decodedJSON(
      Data(try file.bytes(at: 0, count: file.size)), subject: path, what: "record of a run",
      code: .runDamaged)
    guard record.schema == currentSchema else {
      throw Failure(
        .dataRefused, .runDamaged, path,
        "schema '\(record.schema)', this version reads \(currentSchema)")
    }
    try record.configuration.kept.check(path)
    guard (1...maximumUnit).contains(record.unit), record.counts.allSatisfy({ $0 >= 1 }),
      zip(record.counts, record.counts.dropFirst()).allSatisfy(<),
      (1...maximumCount).contains(record.count), record.counts.count <= 1000
    else {
      throw Failure(
        .dataRefused, .runDamaged, path,
        "units of \(record.unit) samples and counts \(record.counts): expected 1 to "
          + "\(maximumUnit), and ascending numbers")
    }
    return record
  }

  /// The maximum number of samples in a unit.
  public static let maximumUnit = 4096
  /// The maximum number of samples in a run.
  public static let maximumCount = 1 << 30

  /// Returns the units of the first samples of the run; the last one may extend further.
  ///
  /// - Parameter count: The number of samples, `0...self.count`.
  package func units(count: Int) -> [UnitRange] {
    var units: [UnitRange] = []
    var start = 0
    for end in counts where start < count {
      units += stride(from: start, to: min(end, count), by: unit).map {
        UnitRange(first: $0, count: min(unit, end - $0))
      }
      start = end
    }
    return units
  }
}

/// Consecutive samples made by one worker.
package struct UnitRange: Hashable, Sendable {
  /// The index of the first sample.
  package let first: Int
  /// The number of samples.
  package let count: Int

  var indices: Range<Int> { first..<first + count }

  /// The name of its files, such as `000064-32`.
  package var name: String { zeroPadded(String(first), to: 6) + "-\(count)" }
}
