import Files
import References
import Results
import Runs
import Work

extension EvaluationRequest {
  /// Evaluates samples of consecutive seeds, beginning with that of the request.
  ///
  /// A run is kept in a folder for each seed, `seed-0` and so on, in the folder of the execution.
  ///
  /// - Parameters:
  ///   - count: The number of seeds, at least 2.
  ///   - execution: How each evaluation is carried out.
  ///   - reporter: Receives progress and warnings.
  /// - Throws: `Failure` (64) `SettingOutOfRange` if there are fewer than two seeds, no checkpoint is
  ///   sampled, all dialects are asked for, or the execution has a shard; otherwise as ``prepare(_:reporter:)`` and
  ///   ``PreparedEvaluation/run()`` do.
  public func repeated(
    _ count: Int, _ execution: Execution = Execution(), reporter: Reporter = .silent
  ) async throws -> RepeatedResult {
    try await repeated(count, execution, reporter: reporter) { _ in }
  }

  /// Evaluates samples of consecutive seeds.
  ///
  /// - Parameter first: Receives the first evaluation before it runs.
  /// - Throws: As ``repeated(_:_:reporter:)``.
  package func repeated(
    _ count: Int, _ execution: Execution, reporter: Reporter,
    first: (PreparedEvaluation) -> Void
  ) async throws -> RepeatedResult {
    guard count >= 2 else { throw Failure.outOfRange("count", count, "at least 2") }
    guard let seed = self.seed else {
      throw Failure.outOfRange(
        "subject", "without a seed", "a checkpoint or a generator; images are the same every time")
    }
    guard dialect != DialectChoice.all.name else {
      throw Failure.outOfRange(
        "dialect", DialectChoice.all.name, "one, for a summary of each metric")
    }
    if let shard = execution.run?.shard {
      throw Failure.outOfRange("shard", shard, "none with several seeds; run them one at a time")
    }
    var results: [EvaluationResult] = []
    for index in 0..<count {
      let seed = seed &+ UInt64(index)
      var (request, execution) = (self, execution)
      request.seed = seed
      if let path = execution.run?.path { execution.run?.path = Self.runPath(path, seed: seed) }
      reporter.note("seed \(seed)")
      let evaluation = try request.prepare(execution, reporter: reporter)
      if index == 0 { first(evaluation) }
      results.append(try await evaluation.run())
    }
    return RepeatedResult(results)
  }

  /// Returns the folder of one of several seeds in the folder of a run.
  package static func runPath(_ path: String, seed: UInt64) -> String { "\(path)/seed-\(seed)" }
}
