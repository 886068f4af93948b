import Files
import Foundation
import References
import Results
import Tensors
import Work

/// The settings for keeping the samples of a run.
public struct RunSettings: Sendable {
  /// The path of the folder, which is created if it does not exist.
  public var path: String
  /// The number of samples in a unit, `1...RunRecord.maximumUnit`; nil for as many as take at most
  /// five minutes.
  public var unit: Int?
  /// The part of the units that this process makes; nil for all that no other process makes.
  public var shard: Shard?
  /// The longest time after which a unit's progress is saved, at most 300 seconds.
  public var saveInterval = Duration.seconds(120)
  /// Whether the pixels are kept, for pictures to be created later.
  public var keepsImages = false
  /// The request through which a different thread stops the work.
  public var stop: StopRequest?

  /// Creates settings for a run in `path`.
  public init(path: String) { self.path = path }

  /// Checks that every number is in its range.
  ///
  /// - Throws: `Failure` `SettingOutOfRange` (64) with what was found and what is possible.
  package func check() throws(Failure) {
    if let unit, !(1...RunRecord.maximumUnit).contains(unit) {
      throw .outOfRange("unit", unit, "1 to \(RunRecord.maximumUnit)")
    }
    guard (.zero ... .seconds(300)).contains(saveInterval) else {
      throw .outOfRange("saveInterval", saveInterval, "0 to 300 seconds")
    }
  }
}

/// The report of a shard.
public struct ShardReport: Codable, Sendable {
  /// The name and version of the document format.
  public var schema = "dis-eval-shard/1"
  /// The path of the run's folder.
  public var run: String
  /// The shard of this process.
  public var shard: Shard
  /// The number of samples of this shard, which all exist.
  public var samples: Int
  /// The number of samples of the whole run that do not exist yet.
  public var missing: Int

  package init(run: String, shard: Shard, samples: Int, missing: Int) {
    (self.run, self.shard, self.samples, self.missing) = (run, shard, samples, missing)
  }

  /// Returns the document as JSON with sorted keys, indented, with a final newline.
  ///
  /// - Throws: `EncodingError` if a number is not finite.
  public func json() throws -> [UInt8] { try encodedJSON(self) }
}

extension EvaluationRequest {
  /// Creates the request to score the samples of a run, as requested when the run was created.
  ///
  /// - Parameters:
  ///   - run: The run.
  ///   - reference: A reference to use instead of the run's own; nil for its own.
  ///   - weights: The path of the extractor's weights; nil for the run's own.
  /// - Throws: `Failure` `NotARun` (66) if there is no `run.json`, `RunDamaged` (65) if it is not
  ///   valid.
  public init(run: RunRequest, reference: String?, weights: String?) throws {
    let record = try RunRecord.read(folder: run.path)
    let scoring = record.scoring
    self.init(
      subject: .run(run), reference: reference ?? scoring.reference,
      weights: weights ?? scoring.weights)
    precision = record.configuration.extractor.precision ?? .float32
    extractor = record.configuration.extractor.requestedName
    (preset, dialect) = (scoring.preset, scoring.dialect)
    (referenceDialect, metrics) = (scoring.referenceDialect, scoring.metrics)
    (optionalMetrics, intervals) = (scoring.optionalMetrics, scoring.givesIntervals ?? true)
    (allowsMismatch, recursive) = (scoring.allowsMismatch, scoring.recursive)
    skipsBroken = scoring.skipsBroken
  }
}

extension RunRecord.Scoring {
  /// Creates the settings for scoring a request.
  ///
  /// - Parameters:
  ///   - request: The request to score.
  ///   - reference: The absolute path of the reference.
  ///   - sha256: The SHA-256 of the reference; nil for images.
  package init(_ request: EvaluationRequest, reference: String, sha256: String?) {
    self.init(
      reference: reference, referenceSha256: sha256, weights: request.weights.map(absolutePath),
      preset: request.preset, dialect: request.dialect, referenceDialect: request.referenceDialect,
      metrics: request.metrics, optionalMetrics: request.optionalMetrics,
      givesIntervals: request.intervals, allowsMismatch: request.allowsMismatch,
      recursive: request.recursive, skipsBroken: request.skipsBroken)
  }
}
