import FeatureExtractors
import Files
import GenerativeMetrics
import Work

/// Refuses comparisons between things known to differ. If mismatches are allowed, they are recorded
/// instead.
package struct CompatibilityGuard {
  /// Whether `--allow-mismatch` was given.
  let allowsMismatch: Bool
  /// The mismatches that were allowed.
  package private(set) var allowed: [String] = []
  /// The warnings so far, in order.
  package private(set) var warnings: [String] = []
  private let reporter: Reporter

  /// Creates a guard without mismatches or warnings.
  ///
  /// - Parameters:
  ///   - allowsMismatch: Whether mismatches are recorded rather than refused.
  ///   - reporter: Receives every warning.
  package init(allowsMismatch: Bool, reporter: Reporter) {
    self.allowsMismatch = allowsMismatch
    self.reporter = reporter
  }

  /// Reports and records a warning.
  package mutating func warn(_ text: String) {
    warnings.append(text)
    reporter.warn(text)
  }

  /// Refuses a comparison, or records the mismatch if mismatches are allowed.
  ///
  /// - Throws: `failure`, extended by advice on how to allow the mismatch, unless mismatches are
  ///   allowed.
  package mutating func refuse(
    _ failure: Failure
  ) throws(Failure) {
    guard allowsMismatch else {
      throw Failure(
        failure.status, failure.code, failure.subject,
        "\(failure.detail) (`allowsMismatch` computes it all the same, and the result says so)")
    }
    allowed.append("\(failure.code): \(failure.subject): \(failure.detail)")
    warn("allowed although it does not match: \(failure.subject): \(failure.detail)")
  }

  /// Refuses statistics whose features were prepared differently from those of the other side.
  ///
  /// - Parameters:
  ///   - statistics: The statistics to check.
  ///   - dialect: The dialect of the other side's features.
  ///   - asserted: The dialect of the statistics according to the user, or nil.
  ///   - hasOwnPreparation: Whether the extractor prepares images in its own way, whatever the
  ///     dialect.
  /// - Throws: `Failure` (65) `DialectMismatch` if `asserted` contradicts what is known of the
  ///   statistics, or if the dialects do not fit and mismatches are not allowed; `DdofMismatch` if
  ///   the covariance has a different divisor and mismatches are not allowed.
  package mutating func check(
    _ statistics: ReferenceStatistics, against dialect: Dialect, asserted: Dialect?,
    hasOwnPreparation: Bool
  ) throws(Failure) {
    let name = lastComponent(statistics.path)
    if let known = statistics.dialect {
      if let asserted, asserted != known {
        throw Failure(
          .dataRefused, .dialectMismatch, statistics.path,
          "`referenceDialect` \(asserted.rawValue), but these statistics are known to be "
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
          warn("mixed dialects, as `referenceDialect` \(known.rawValue) asks for: \(difference)")
        } else {
          try refuse(
            Failure(
              .dataRefused, .dialectMismatch, statistics.path,
              difference + "; use `dialect` \(known.rawValue), or `referenceDialect` "
                + "\(known.rawValue) to mix them on purpose, as U-ViT and DiS do"))
        }
      }
    } else if let asserted {
      warn("'\(name)' does not say its dialect; `referenceDialect` says \(asserted.rawValue)")
    } else if statistics.part == nil || !hasOwnPreparation {
      warn(
        "'\(name)' does not say its dialect; it is taken for \(dialect.rawValue), and the number is "
          + "only right if that is so (say it with `referenceDialect`)")
    }
    if let ddof = statistics.ddof, ddof != dialect.definition.ddof {
      try refuse(
        Failure(
          .dataRefused, .ddofMismatch, statistics.path,
          "its covariance is divided by N - \(ddof), the other side's by N - "
            + "\(dialect.definition.ddof); 'dis-eval stats convert' changes that"))
    }
  }

  /// Refuses statistics of images of a different size.
  ///
  /// - Parameters:
  ///   - statistics: The statistics to check.
  ///   - width: The width of the other side's images in pixels.
  ///   - height: The height of the other side's images in pixels.
  ///   - subject: The name of the other side, for the message.
  /// - Throws: `Failure` `ResolutionMismatch` (65) if the sizes differ and mismatches are not
  ///   allowed.
  package mutating func checkResolution(
    _ statistics: ReferenceStatistics, width: Int, height: Int, subject: String
  ) throws(Failure) {
    guard let side = statistics.resolution, side != width || side != height else { return }
    try refuse(
      Failure(
        .dataRefused, .resolutionMismatch, statistics.path,
        "statistics of \(side) x \(side) images, but \(subject) is \(width) x \(height); resized "
          + "images have another distance"))
  }
}
