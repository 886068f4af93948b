import FeatureExtractors
import Files
import Foundation
import References
import Results
import Sampling
import Tensors
import Work

extension EvaluationResult {
  /// The value of an option of the command that made the result; nil when it had none.
  public func argument(_ option: String) -> String? {
    let arguments = run.arguments
    if let position = arguments.lastIndex(of: option), position + 1 < arguments.count {
      return arguments[position + 1]
    }
    return arguments.last { $0.hasPrefix("\(option)=") }.map {
      String($0.dropFirst(option.count + 1))
    }
  }

  /// The file that the result's command was given, if it is still there and still the same.
  public func file(_ option: String, sha256 expected: String?) -> String? {
    guard let expected, let path = argument(option).flatMap({ try? resolveReference($0) }) else {
      return nil
    }
    return (try? sha256(ofFile: path)) == expected ? path : nil
  }
}

/// What an evaluation is made from again, where it lies now.
public struct RecordedInputs: Sendable {
  /// What is judged.
  public var subject: Subject
  /// Path or name of the reference.
  public var reference: String
  /// The extractor's weights; nil to find them by the reference or in the cache.
  public var weights: String?
  /// Whether folders of images are searched with the folders in them; nil to refuse folders with images
  /// both here and inside.
  public var isRecursive: Bool?

  /// What is judged.
  public enum Subject: Sendable {
    /// Samples, that many as before.
    case samples(Generator)
    /// Images, as many as before.
    case images(String)
  }

  /// Names them.
  public init(subject: Subject, reference: String, weights: String?) {
    (self.subject, self.reference, self.weights) = (subject, reference, weights)
  }
}

extension Evaluation {
  /// An evaluation as a recorded one was: the same metrics and dialect, as many images.
  ///
  /// - Throws: `Failure` `CannotEvaluateAgain` (65) when the record does not say enough or names what
  ///   this version does not know; `OtherReference`, `OtherExtractor` (65) when a file is not that of
  ///   the record.
  public init(as recorded: RecordedEvaluation, of inputs: RecordedInputs, workload: Workload) throws
  {
    let provenance = recorded.provenance
    func unsaid(_ subject: String, _ detail: String) -> Failure {
      Failure(.dataRefused, "CannotEvaluateAgain", subject, detail)
    }
    guard let count = provenance.num else {
      throw unsaid("num", "the record does not say of how many images it is")
    }
    let subject: Subject =
      switch inputs.subject {
      case .samples(let generator): .samples(generator, count: count)
      case .images(let path): .existing(path: path)
      }
    self.init(
      subject: subject, reference: inputs.reference, weights: inputs.weights, workload: workload)
    expectedCount = count
    recursive = inputs.isRecursive
    precision = provenance.extractor.precision ?? .float32
    preset = try provenance.preset.map { try Preset(named: $0) }
    allowsMismatch = provenance.allowedMismatches != nil
    func dialect(_ name: String) throws(Failure) -> Dialect {
      guard let dialect = Dialect(rawValue: name) else {
        throw unsaid(name, "is no dialect of this version")
      }
      return dialect
    }
    dialects = recorded.dialects == nil ? .one(try dialect(provenance.dialect)) : .all
    // What is the same need not be said, and the same of all dialects may not.
    if let other = provenance.reference.dialect, recorded.dialects == nil,
      other != provenance.dialect
    {
      referenceDialect = try dialect(other)
    }
    let results = recorded.dialects.map { Array($0.values.map(\.metrics)) } ?? [recorded.metrics]
    let names = Set(results.flatMap(\.keys)).union(recorded.skipped.keys)
    optionalMetrics = Set(names.compactMap(MetricName.init(title:)))
    givesIntervals = !results.flatMap(\.values).contains { $0.intervalReason == Self.notAskedFor }
    try checkReference(provenance.reference)
    try checkExtractor(provenance.extractor)
  }

  private func checkReference(_ recorded: ReferenceProvenance) throws {
    let path = try resolveReference(reference)
    guard let expected = recorded.sha256, ReferenceStatistics.isRecognised(path) else { return }
    try checkContent(of: path, is: expected, "OtherReference")
  }

  private func checkExtractor(_ recorded: ExtractorProvenance) throws {
    let path = try resolveReference(reference)
    let input = try ImagesOrStatistics(path: path, recursive: recursive)
    var needsNetwork = true
    if let existingPath, input.statistics != nil {
      needsNetwork = !ReferenceStatistics.isRecognised(existingPath)
    }
    guard needsNetwork else { return }
    let found = try LoadedExtractor.choose(
      weights: weights, reference: input.statistics, precision: precision
    ).provenance
    guard found.isSame(as: recorded) == true else {
      throw Failure(
        .dataRefused, "OtherExtractor", weights ?? found.file ?? found.name,
        "\(found.name) with SHA-256 \(found.sha256 ?? "unknown"), but the record is of "
          + "\(recorded.name) with \(recorded.sha256 ?? "unknown"); give --weights")
    }
  }
}
