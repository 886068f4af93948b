import Files
import Results
import Sampling

extension SampleSource {
  /// Checks that this source makes samples as a recorded evaluation did.
  ///
  /// - Parameters:
  ///   - provenance: The record of the evaluation.
  ///   - isSame: Whether the checkpoint or program must be the recorded one.
  /// - Throws: `Failure` (65) `OtherLabels` if the labels differ, `OtherGenerator` if the program is a
  ///   different one or has different settings, or `CannotSampleAgain` if this version would sample
  ///   differently, the program repeats nothing, or the record is of something else.
  package func check(repeats provenance: Provenance, isSame: Bool) throws {
    switch self {
    case .checkpoint(let generator): try generator.check(repeats: provenance, isSame: isSame)
    case .program(let program): try program.check(repeats: provenance, isSame: isSame)
    }
  }
}

extension GeneratorProgram {
  fileprivate func check(repeats record: Provenance, isSame: Bool) throws {
    guard var recorded = record.generator?.identity else {
      throw Failure(
        .usage, .cannotSampleAgain, record.subjectName ?? "the result",
        "the result is not of a generator")
    }
    guard !isSame || recorded.differs != .everything else {
      throw Failure(
        .dataRefused, .cannotSampleAgain, recorded.name,
        "the generator says that everything may differ when it makes samples again; only the run "
          + "itself has them")
    }
    var now = provenance.identity
    guard now.labelsSha256 == recorded.labelsSha256 else {
      throw Failure(
        .dataRefused, .otherLabels, now.labels,
        "labels with SHA-256 \(now.labelsSha256 ?? "none"), but the result's have "
          + "\(recorded.labelsSha256 ?? "none")")
    }
    // The file with the same labels may have been renamed.
    if now.labelsSha256 != nil { now.labels = recorded.labels }
    if !isSame {
      // Another model, asked in the same way.
      (now.command, recorded.command) = ([], [])
      (now.name, now.version) = (recorded.name, recorded.version)
      (now.weightsSha256, now.stream) = (recorded.weightsSha256, recorded.stream)
      (now.differs, now.batch) = (recorded.differs, recorded.batch)
      now.networkEvaluations = recorded.networkEvaluations
    }
    let differences = try documentDifferences(recorded, now).map {
      "\($0.field) was \($0.first ?? "not set"), and is \($0.second ?? "not set")"
    }
    guard differences.isEmpty else {
      throw Failure(
        .dataRefused, .otherGenerator, provenance.name,
        "is not the generator of the record: \(differences.joined(separator: "; "))")
    }
  }
}
