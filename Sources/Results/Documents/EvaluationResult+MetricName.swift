extension Dictionary where Key == String, Value == EvaluationResult.Metric {
  /// The metric with that name, whatever the extractor: for ``MetricName/fid`` the one called `fid`,
  /// `fd_dinov2` or `fd`, for ``MetricName/inceptionScore`` the one called `is` or `cs`.
  public subscript(name: MetricName) -> EvaluationResult.Metric? {
    switch name {
    case .fid: self["fid"] ?? self["fd_dinov2"] ?? self["fd"]
    case .inceptionScore: self["is"] ?? self["cs"]
    default: self[name.rawValue]
    }
  }
}
