import Files
import References
import Results

/// How images are scored: what a request says of it, with its names resolved.
struct ScoringSettings {
  /// Nil for the reference's dialect.
  let dialect: DialectChoice?
  /// The dialect of the reference, where the request gives it.
  let referenceDialect: Dialect?
  /// Metrics that must be computed, nil for the optional ones.
  let metrics: Set<MetricName>?
  /// The metrics to compute.
  let wanted: Set<MetricName>
  /// Whether distances and scores get intervals. They take 20 times as long as a distance, so there are
  /// none with every dialect.
  let intervals: IntervalChoice
  /// What the request's preset pins.
  let preset: Preset?

  /// - Throws: `Failure` `RequestInvalid` (65) for a name that this version does not know;
  ///   `UnknownPreset` (64).
  init(_ request: EvaluationRequest) throws(Failure) {
    func unknown(_ what: String, _ name: String) -> Failure {
      Failure(.dataRefused, .requestInvalid, "\(what) \(name)", "this version does not know it")
    }
    func names(_ texts: [String]) throws(Failure) -> Set<MetricName> {
      var names: Set<MetricName> = []
      for text in texts {
        guard let name = MetricName(rawValue: text) else { throw unknown("metric", text) }
        names.insert(name)
      }
      return names
    }
    dialect = try request.dialect.map { (name) throws(Failure) in
      guard let choice = DialectChoice(name: name) else { throw unknown("dialect", name) }
      return choice
    }
    referenceDialect = try request.referenceDialect.map { (name) throws(Failure) in
      guard let dialect = Dialect(rawValue: name) else { throw unknown("dialect", name) }
      return dialect
    }
    metrics = try request.metrics.map(names)
    let optional = try names(request.optionalMetrics)
    wanted = metrics ?? optional
    intervals =
      !request.intervals
      ? .omitted(reason: IntervalChoice.notAskedFor)
      : dialect == .all
        ? .omitted(reason: "not computed with every dialect; ask for one") : .computed
    preset = try request.preset.map { (name: String) throws(Failure) -> Preset in
      try Preset(named: name)
    }
  }
}
