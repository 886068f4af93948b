import GenerativeMetrics

/// Returns the name of a metric as papers write it on axes and in tables: `FID-10K`, `IS`.
///
/// - Parameters:
///   - metric: The name of the metric in results; one that this version does not know is returned as it
///     is.
///   - count: The number of samples, which is a part of the names of Fréchet distances; nil if it is
///     unknown or differs.
package func paperName(ofMetric metric: String, count: Int? = nil) -> String {
  guard let title = MetricTitle(rawValue: metric) else { return metric }
  let name =
    switch title {
    case .fid: "FID"
    case .sfid: "sFID"
    case .dinov2Distance: "FD-DINOv2"
    case .inceptionScore: "IS"
    case .frechetDistance: "FD"
    case .classifierScore: "Classifier score"
    case .kernelDistance: "KID"
    case .precision: "Precision"
    case .recall: "Recall"
    case .discrepancy: "MMD (RBF)"
    case .vendi: "Vendi score"
    case .totalVariance: "Total variance"
    case .density: "Density"
    case .coverage: "Coverage"
    case .mongeDistance: "MIND"
    case .authenticity: "AuthPct"
    case .clipDiscrepancy: "CMMD"
    case .memorizationInformed: "MiFID"
    case .memorizationInformedGenerated: "MiFID (over generated images)"
    case .classKernelDistance: "KID by class"
    case .duplicates: "Near duplicates"
    case .classDistance: "Class distance (chi-squared)"
    }
  guard title.isFrechetDistance, let count else { return name }
  guard count >= 1000, count % 100 == 0 else { return "\(name) (\(count) samples)" }
  return "\(name)-\(count / 1000)" + (count % 1000 == 0 ? "" : ".\(count % 1000 / 100)") + "K"
}
