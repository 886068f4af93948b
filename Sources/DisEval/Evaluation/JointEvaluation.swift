import Features
import Files
import Foundation
import References
import Results
import Synchronization
import Work

/// Evaluations of the same images with several extractors, which read or draw every image only once.
///
/// ```swift
/// let requests = ["inception-2015", "dinov2"].map { name in
///   var request = EvaluationRequest(subject: .images("samples/"), reference: "train/")
///   request.extractor = name
///   return request
/// }
/// let results = try await JointEvaluation(requests).run()
/// ```
///
/// Each result is the one that its request alone has.
public struct JointEvaluation: Sendable {
  /// The evaluations, with an extractor each.
  public let evaluations: [PreparedEvaluation]
  private let reporter: Reporter

  /// The names by which the requests ask for the extractors.
  public var names: [String] {
    evaluations.map { $0.request.extractor ?? $0.extractor.provenance.name }
  }

  /// Opens and checks the inputs of all requests.
  ///
  /// - Parameters:
  ///   - requests: At least one request. They differ only in the extractor, its weights and the reference.
  ///   - execution: How the requests are carried out.
  ///   - reporter: Receives progress, notes and warnings, each of them once.
  /// - Throws: `Failure` `SeveralExtractors` (64) if the requests name the same extractor twice, if `execution`
  ///   keeps a run, which has the features of one extractor, or if the subject is a run or statistics; otherwise as
  ///   ``EvaluationRequest/prepare(_:reporter:)``.
  public init(
    _ requests: [EvaluationRequest], _ execution: Execution = Execution(),
    reporter: Reporter = .silent
  ) throws {
    precondition(!requests.isEmpty, "no request")
    let reporter = reporter.withoutRepetition()
    func refuse(_ subject: String, _ detail: String) -> Failure {
      Failure(.usage, .severalExtractors, subject, detail)
    }
    guard execution.run == nil else {
      throw refuse(
        "`run`", "a run keeps the features of one extractor; keep the images, and evaluate them")
    }
    var asked: Set<String> = []
    for text in requests.compactMap(\.extractor) {
      let name = try ExtractorName(text).text
      guard asked.insert(name).inserted else { throw refuse(name, "the extractor is named twice") }
    }
    let first = try requests[0].prepare(execution, reporter: reporter)
    switch first.subject {
    case .samples, .existing(.images): break
    case .existing(.statistics(let statistics)):
      throw refuse(statistics.path, "the features of one extractor, expected images")
    case .run(let directory, _, _):
      throw refuse(directory.path, "the features of one extractor, expected images")
    case .accumulated: preconditionFailure("a request has files")
    }
    var evaluations = [first]
    for request in requests.dropFirst() {
      evaluations.append(
        try PreparedEvaluation(request, execution, reporter: reporter, subject: first.subject))
    }
    var names: Set<String> = []
    for name in evaluations.map(\.extractor.provenance.name) where !names.insert(name).inserted {
      throw refuse(name, "the extractor is named twice")
    }
    (self.evaluations, self.reporter) = (evaluations, reporter)
  }

  /// Draws or reads the images, extracts their features with every extractor and computes the metrics.
  ///
  /// - Returns: A result for each request, in order.
  /// - Throws: As ``PreparedEvaluation/run()``.
  public func run() async throws -> [EvaluationResult] { try await run(sink: nil) }

  /// Evaluates, and passes the samples on.
  ///
  /// - Parameter sink: Receives every sampled image, as ``PreparedEvaluation/run(sink:)`` does.
  package func run(sink: ((Image, Int?) throws -> Void)?) async throws -> [EvaluationResult] {
    var references = [FeatureCollection?](repeating: nil, count: evaluations.count)
    // Those of the same images are computed together.
    let paths = Dictionary(grouping: evaluations.indices) { evaluations[$0].referencePath }
    for indices in paths.values.sorted(by: { $0[0] < $1[0] }) {
      guard let source = evaluations[indices[0]].reference.images else { continue }
      try checkEnough(source.count, "\(source)")
      let found = try await collector(indices.map { evaluations[$0].referencePart })
        .collectAll(ImageSupply(source, activity: "reference"))
      for (index, collection) in zip(indices, found) { references[index] = collection }
    }
    let subjects = try await collector(evaluations.map(\.subjectPart))
      .collectAll(try await evaluations[0].subjectSupply()) { try sink?($0.image, $0.label) }
    var results: [EvaluationResult] = []
    for (index, evaluation) in evaluations.enumerated() {
      results.append(
        try await evaluation.run(
          collected: PreparedEvaluation.Collected(
            subject: subjects[index], reference: references[index])))
    }
    return results
  }

  private func collector(_ parts: [FeatureCollector.Part]) -> FeatureCollector {
    FeatureCollector(parts, workload: evaluations[0].execution.workload, reporter: reporter)
  }
}

extension Reporter {
  /// Returns a reporter that passes each warning and each note on once.
  fileprivate func withoutRepetition() -> Reporter {
    let known = Known()
    return Reporter(
      progress: progress,
      warn: { if known.isNew($0) { warn($0) } },
      note: { if known.isNew($0) { note($0) } })
  }
}

/// The sentences that have been said.
private final class Known: Sendable {
  private let sentences = Mutex<Set<String>>([])

  func isNew(_ sentence: String) -> Bool {
    sentences.withLock { $0.insert(sentence).inserted }
  }
}
