import ArgumentParser
import DisEval
import GenerativeMetrics

/// Parses names of metrics as results print them, separated by commas.
func metricTitles(_ text: String) throws -> [MetricTitle] {
  let names = text.split(separator: ",")
  guard !names.isEmpty else { throw ValidationError("expected at least one name") }
  return try names.map { name in
    guard let title = MetricTitle(rawValue: String(name)) else {
      let known = MetricTitle.allCases.map(\.rawValue).joined(separator: ", ")
      throw ValidationError("'\(name)': expected \(known)")
    }
    return title
  }
}

/// The metrics to compute, by name.
struct MetricOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Metrics to compute, separated by commas: fid, fd_dinov2 or fd, sfid, is or cs, kid, precision, recall, "
        + "mmd_rbf, vendi, total_variance, class_chi2, cmmd, mind, authpct, duplicates, class_kid, mifid, mifid_generated. density and coverage come with precision.",
      valueName: "names"),
    transform: metricTitles)
  var metrics: [[MetricTitle]] = []

  /// The requested metrics; nil if the option is not given.
  var names: Set<MetricName>? {
    metrics.isEmpty ? nil : Set(metrics.joined().map(\.metric))
  }

  /// The requested metrics by the names that were given.
  var titles: [MetricTitle] { Array(metrics.joined()) }
}

extension MetricTitle {
  /// The metric to request for a result to have this name.
  fileprivate var metric: MetricName {
    switch self {
    case .fid, .dinov2Distance, .frechetDistance: .fid
    case .sfid: .sfid
    case .inceptionScore, .classifierScore: .inceptionScore
    case .kernelDistance: .kid
    case .precision, .density, .coverage: .precision
    case .recall: .recall
    case .discrepancy: .discrepancy
    case .vendi: .vendi
    case .totalVariance: .totalVariance
    case .mongeDistance: .mongeDistance
    case .authenticity: .authenticity
    case .classDistance: .classDistance
    case .duplicates: .duplicates
    case .classKernelDistance: .classKernelDistance
    case .clipDiscrepancy: .clipDiscrepancy
    case .memorizationInformed: .memorizationInformed
    case .memorizationInformedGenerated: .memorizationInformedGenerated
    }
  }
}
