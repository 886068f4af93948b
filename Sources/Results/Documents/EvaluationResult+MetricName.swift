extension Dictionary where Key == String, Value == EvaluationResult.Metric {
  /// The metric with that name, whatever the extractor: for ``MetricName/fid`` the one called `fid`
  /// or `fd`, for ``MetricName/inceptionScore`` the one called `is` or `cs`.
  public subscript(name: MetricName) -> EvaluationResult.Metric? {
    switch name {
    case .fid: self["fid"] ?? self["fd"]
    case .inceptionScore: self["is"] ?? self["cs"]
    default: self[name.rawValue]
    }
  }
}
