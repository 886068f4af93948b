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

extension Evaluation {
  /// Makes the samples of one shard and scores nothing.
  public func makeShard(reporter: Reporter) async throws -> ShardReport {
    guard let run, let shard = run.shard, case .samples(let generator, let count) = subject else {
      throw Failure(.usage, "NotAShard", "--shard", "needs --ckpt and --run")
    }
    let directory = try await PreparedEvaluation(self, reporter: reporter)
      .makeUnits(of: generator, count: count, settings: run, keepsImages: false)
    let units = directory.record.units(count: count)
    let own = units.indices.filter { $0 % shard.count == shard.index }.map { units[$0] }
    return ShardReport(
      run: run.path, shard: shard, samples: own.reduce(0) { $0 + $1.count },
      missing: units.filter { !directory.isFinished($0) }.reduce(0) { $0 + $1.count })
  }

  /// The scoring of a run that is there, as it was asked for when the run was begun.
  ///
  /// - Parameter reference: Another reference than the run's own.
  /// - Throws: `Failure` `NotARun`, `RunDamaged`.
  public init(run path: String, reference: String?, weights: String?, workload: Workload) throws {
    let record = try RunRecord.read(folder: path)
    let scoring = record.scoring
    func unknown(_ value: String) -> Failure {
      Failure(
        .dataRefused, "RunDamaged", RunRecord.path(in: path),
        "'\(value)' is no dialect or metric of this version")
    }
    func dialect(_ name: String) throws(Failure) -> Dialect {
      guard let dialect = Dialect(rawValue: name) else { throw unknown(name) }
      return dialect
    }
    func metrics(_ names: [String]) throws(Failure) -> Set<MetricName> {
      var metrics: Set<MetricName> = []
      for name in names {
        guard let metric = MetricName(rawValue: name) else { throw unknown(name) }
        metrics.insert(metric)
      }
      return metrics
    }
    self.init(
      subject: .run(path: path, count: nil), reference: reference ?? scoring.reference,
      weights: weights ?? scoring.weights, workload: workload)
    switch scoring.dialect {
    case nil: dialects = .fitting
    case "all": dialects = .all
    case .some(let name): dialects = .one(try dialect(name))
    }
    precision = record.configuration.extractor.precision ?? .float32
    preset = try scoring.preset.map { try Preset(named: $0) }
    referenceDialect = try scoring.referenceDialect.map(dialect)
    self.metrics = try scoring.metrics.map(metrics)
    optionalMetrics = try metrics(scoring.optionalMetrics)
    givesIntervals = scoring.givesIntervals ?? true
    allowsMismatch = scoring.allowsMismatch
    recursive = scoring.recursive
  }
}
