import Files
import Foundation
import References
import Results
import Tensors
import Work

/// Where and how the samples of a run are kept.
public struct RunSettings: Sendable {
  /// The folder, made if it is not there.
  public var path: String
  /// Samples of a unit, nil for as many as take at most five minutes.
  public var unit: Int?
  /// The part of the units that this process makes, nil for all that nobody else makes.
  public var shard: Shard?
  /// Longest time of a unit's work that is not on disk.
  public var saveInterval = Duration.seconds(120)
  /// Whether the pixels are kept, for pictures that are made later.
  public var keepsImages = false
  /// How the work is stopped from another thread.
  public var stop: StopRequest?

  /// Keeps a run in `path`.
  public init(path: String) { self.path = path }
}

/// What a shard found and made.
public struct ShardReport: Codable, Sendable {
  /// Name and version of this form.
  public var schema = "dis-eval-shard/1"
  /// The run's folder.
  public var run: String
  /// Which part this is.
  public var shard: Shard
  /// Samples of this part, all of them there.
  public var samples: Int
  /// Samples of the whole run that are not there yet.
  public var missing: Int

  /// The document as JSON.
  public func json() throws -> [UInt8] { try encodedJSON(self) }
}

extension EvaluationRequest {
  /// The request to score the samples of a run, as it was asked for when the run was begun.
  ///
  /// - Parameters:
  ///   - run: The run.
  ///   - reference: A reference to use instead of the run's own.
  ///   - weights: The extractor's weights, nil for where the run had them.
  /// - Throws: `Failure` `NotARun` (66), `RunDamaged` (65).
  public init(run: RunRequest, reference: String?, weights: String?) throws {
    let record = try RunRecord.read(folder: run.path)
    let scoring = record.scoring
    self.init(
      subject: .run(run), reference: reference ?? scoring.reference,
      weights: weights ?? scoring.weights)
    precision = record.configuration.extractor.precision ?? .float32
    (preset, dialect) = (scoring.preset, scoring.dialect)
    (referenceDialect, metrics) = (scoring.referenceDialect, scoring.metrics)
    (optionalMetrics, intervals) = (scoring.optionalMetrics, scoring.givesIntervals ?? true)
    (allowsMismatch, recursive) = (scoring.allowsMismatch, scoring.recursive)
  }
}

extension RunRecord.Scoring {
  /// How a request is scored.
  ///
  /// - Parameters:
  ///   - reference: Absolute path of the reference.
  ///   - sha256: SHA-256 of the reference, nil for images.
  package init(_ request: EvaluationRequest, reference: String, sha256: String?) {
    self.init(
      reference: reference, referenceSha256: sha256, weights: request.weights.map(absolutePath),
      preset: request.preset, dialect: request.dialect, referenceDialect: request.referenceDialect,
      metrics: request.metrics, optionalMetrics: request.optionalMetrics,
      givesIntervals: request.intervals, allowsMismatch: request.allowsMismatch,
      recursive: request.recursive)
  }
}
