import Checkpoints
import Files
import GenerativeMetrics
import Results

extension ReferenceStatistics {
  /// Sentences for users, each a warning, about what the numbers themselves show.
  package var notes: [String] {
    let name = lastComponent(path)
    var notes: [String] = []
    if let unrelatedRecord {
      notes.append(
        "\(unrelatedRecord): not a record of dis-eval, and ignored, so nothing says what the statistics "
          + "beside it were made with")
    }
    if let type = covarianceType, type != .float64 {
      notes.append(
        "'\(name)': the covariance is stored in \(type), whose rounding moves a distance by about "
          + "\(type == .float32 ? "1e-6" : "1e-3") of the covariance's trace")
    }
    if gaussian.isSingular {
      notes.append(
        "'\(name)': the covariance\(count.map { " of \($0) images" } ?? "") is rank deficient, as that of "
          + "\(dimension) images or fewer is, and the distance is biased upwards")
    }
    return notes
  }

  /// The type in which the covariance is stored; nil if it is computed from feature rows.
  private var covarianceType: ScalarType? {
    let names = ["sigma", "fid.sigma", "raw_cov"]
    return arrays.first { names.contains($0.name) }.flatMap { ScalarType(rawValue: $0.type) }
  }
}
