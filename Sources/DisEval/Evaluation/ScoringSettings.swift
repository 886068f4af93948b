import Files
import References
import Results

/// The settings for scoring images: those of a request, with its names resolved.
struct ScoringSettings {
  /// Nil for the reference's dialect.
  let dialect: DialectChoice?
  /// The dialect of the reference, if the request specifies it.
  let referenceDialect: Dialect?
  /// The metrics that must be computed; nil for the optional ones.
  let metrics: Set<MetricName>?
  /// The metrics to compute.
  let wanted: Set<MetricName>
  /// Whether the images are diagnosed beside the metrics, which is part of asking for all metrics.
  var wantsDiagnosis: Bool { metrics == nil && wanted == MetricName.evaluated }
  /// Whether distances and scores have intervals. They take 20 times as long as a distance, so they
  /// are not computed in every dialect.
  let intervals: IntervalChoice
  /// The preset of the request, if samples are made for it.
  let preset: Preset?
  /// The protocol of the request, if existing images are scored by one.
  let card: ProtocolCard?

  /// Resolves the names of a request.
  ///
  /// - Throws: `Failure` `RequestInvalid` (65) if a name is unknown to this version;
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
    let hasImages = request.images != nil
    preset = try (hasImages ? nil : request.preset).map {
      (name: String) throws(Failure) -> Preset in
      try Preset(named: name)
    }
    card = try (hasImages ? request.preset : nil).map {
      (name: String) throws(Failure) -> ProtocolCard in
      try ProtocolCard(named: name)
    }
  }
}
