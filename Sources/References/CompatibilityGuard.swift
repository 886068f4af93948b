import FeatureExtractors
import Files
import GenerativeMetrics
import Work

/// Refuses to compare what is known to differ, unless that is allowed and then recorded.
package struct CompatibilityGuard {
  /// Whether `--allow-mismatch` was given.
  let allowsMismatch: Bool
  /// What was allowed.
  package private(set) var allowed: [String] = []
  package private(set) var warnings: [String] = []
  private let reporter: Reporter

  package init(allowsMismatch: Bool, reporter: Reporter) {
    self.allowsMismatch = allowsMismatch
    self.reporter = reporter
  }

  /// Reports and records a warning.
  package mutating func warn(_ text: String) {
    warnings.append(text)
    reporter.warn(text)
  }

  /// - Throws: `failure`, with how to go on all the same.
  package mutating func refuse(_ failure: Failure) throws(Failure) {
    guard allowsMismatch else {
      throw Failure(
        failure.status, failure.code, failure.subject,
        "\(failure.detail) (--allow-mismatch computes it all the same, and the result says so)")
    }
    allowed.append("\(failure.code): \(failure.subject): \(failure.detail)")
    warn("allowed by --allow-mismatch: \(failure.subject): \(failure.detail)")
  }

  /// Refuses statistics whose features were prepared in another way than those of the other side.
  ///
  /// - Parameters:
  ///   - dialect: That of the other side's features.
  ///   - asserted: What the user says that the dialect of the statistics is.
  ///   - hasOwnPreparation: Whether the extractor prepares images in one way, whatever the dialect.
  /// - Throws: `Failure` `DialectMismatch`, or `DdofMismatch` for a covariance with another divisor.
  package mutating func check(
    _ statistics: ReferenceStatistics, against dialect: Dialect, asserted: Dialect?,
    hasOwnPreparation: Bool
  ) throws(Failure) {
    let name = lastComponent(statistics.path)
    if let known = statistics.dialect {
      if let asserted, asserted != known {
        throw Failure(
          .dataRefused, "DialectMismatch", statistics.path,
          "--ref-dialect \(asserted.rawValue), but these statistics are known to be "
            + "\(known.rawValue)")
      }
      let (own, other) = (known.definition, dialect.definition)
      if !own.fits(other, hasOwnPreparation: hasOwnPreparation) {
        func described(_ definition: DialectDefinition) -> String {
          hasOwnPreparation
            ? "mean in \(definition.mean.rawValue), N - \(definition.ddof)"
            : definition.preparation.description
        }
        let difference =
          "the statistics are \(known.rawValue) (\(described(own))), the features "
          + "\(dialect.rawValue) (\(described(other)))"
        if asserted == known {
          allowed.append("DialectMismatch: \(name): \(difference)")
          warn("mixed dialects, as --ref-dialect \(known.rawValue) asks for: \(difference)")
        } else {
          try refuse(
            Failure(
              .dataRefused, "DialectMismatch", statistics.path,
              difference
                + "; use --dialect \(known.rawValue), or --ref-dialect \(known.rawValue) to "
                + "mix them on purpose, as U-ViT and DiS do"))
        }
      }
    } else if let asserted {
      warn("'\(name)' does not say its dialect; --ref-dialect says \(asserted.rawValue)")
    } else {
      warn(
        "'\(name)' does not say its dialect; it is taken for \(dialect.rawValue), and the number is "
          + "only right if that is so (say it with --ref-dialect)")
    }
    if let ddof = statistics.ddof, ddof != dialect.definition.ddof {
      try refuse(
        Failure(
          .dataRefused, "DdofMismatch", statistics.path,
          "its covariance is divided by N - \(ddof), the other side's by N - "
            + "\(dialect.definition.ddof); 'dis-eval stats convert' changes that"))
    }
  }

  /// Refuses statistics of images of another size than `image`'s.
  ///
  /// - Throws: `Failure` `ResolutionMismatch`.
  package mutating func checkResolution(
    _ statistics: ReferenceStatistics, width: Int, height: Int, subject: String
  ) throws(Failure) {
    guard let side = statistics.resolution, side != width || side != height else { return }
    try refuse(
      Failure(
        .dataRefused, "ResolutionMismatch", statistics.path,
        "statistics of \(side) x \(side) images, but \(subject) is \(width) x \(height); resized "
          + "images have another distance"))
  }
}
