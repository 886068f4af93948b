import Crypto
import Files
import Foundation
import Results

/// The document `run.json` of a run directory: what is sampled, how the samples are divided into
/// units, and how they are to be scored.
public struct RunRecord: Codable, Sendable {
  /// Name and version of this form.
  public var schema = RunRecord.currentSchema
  /// What decides the bytes of samples and features.
  public var configuration: RunConfiguration
  /// Samples of a whole unit.
  public var unit: Int
  /// The numbers of samples that were asked for, ascending: the last is that of the run. Each begins
  /// a new unit, so that a short last unit stays when a run grows.
  public var counts: [Int]
  /// How the run is scored by `merge`.
  public var scoring: Scoring

  static let currentSchema = "dis-eval-run/1"

  package init(
    configuration: RunConfiguration, unit: Int, counts: [Int], scoring: Scoring
  ) {
    (self.configuration, self.unit) = (configuration, unit)
    (self.counts, self.scoring) = (counts, scoring)
  }

  /// How samples are scored, apart from what ``RunConfiguration`` has.
  public struct Scoring: Codable, Sendable {
    /// Absolute path of the reference.
    public var reference: String
    /// SHA-256 of the reference, nil for images.
    public var referenceSha256: String?
    /// Absolute path of the extractor's weights, nil to find them.
    public var weights: String?
    /// The preset that was asked for.
    public var preset: String?
    /// A dialect or `all`; nil for the one that fits the reference.
    public var dialect: String?
    /// The reference's dialect, where that was said.
    public var referenceDialect: String?
    /// Metrics that must be given.
    public var metrics: [String]?
    /// Metrics that are given as far as the inputs have them.
    public var optionalMetrics: [String]
    /// Whether there are intervals; nil, in runs of earlier versions, if there are.
    public var givesIntervals: Bool?
    /// Whether what is known to differ is compared all the same.
    public var allowsMismatch: Bool
    /// Whether folders of images are searched with the folders in them; nil if that was not said.
    public var recursive: Bool?
  }

  /// Number of samples of the whole run.
  public var count: Int { counts.last ?? 0 }

  static func path(in folder: String) -> String { "\(folder)/run.json" }

  /// Reads the document of the run in `folder`.
  ///
  /// - Throws: `Failure` `NotARun` (66) when there is none, `RunDamaged` (65).
  static func read(folder: String) throws -> RunRecord {
    let path = path(in: folder)
    let file: ReadableFile
    do throws(Failure) {
      file = try ReadableFile(path: path)
    } catch {
      guard error.code == .notFound else { throw error }
      throw Failure(
        .inputMissing, .notARun, folder,
        "has no run.json; give a folder that 'dis-eval fid --run' has begun")
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

  /// Samples that a unit may have.
  public static let maximumUnit = 4096
  /// Samples that a run may have.
  public static let maximumCount = 1 << 30

  /// The units of the first `count` samples; the last may reach further.
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

/// Consecutive samples that one worker makes.
package struct UnitRange: Hashable, Sendable {
  /// The index of the first sample.
  let first: Int
  /// How many.
  let count: Int

  var indices: Range<Int> { first..<first + count }

  /// As its files are called, such as `000064-32`.
  package var name: String {
    let digits = String(first)
    return String(repeating: "0", count: max(0, 6 - digits.count)) + digits + "-\(count)"
  }
}
