import Results

extension RecordedEvaluation {
  /// What the values depend on besides the samples, by its place in the document.
  ///
  /// Neither the checkpoint nor what belongs to it, which is what a gate judges, nor names of files.
  var conditions: [String: String] {
    get throws {
      let leaves = try JSONValue(of: provenance).leaves().filter { Self.isCondition($0.path) }
      var conditions = Dictionary(leaves.map { ($0.path, $0.value.shown) }) { first, _ in first }
      // The same tensors in a file of a different format.
      if conditions["extractor.tensors_sha256"] != nil { conditions["extractor.sha256"] = nil }
      return conditions
    }
  }

  private static func isCondition(_ path: String) -> Bool {
    switch path {
    case "dialect", "num", "reference.sha256", "reference.count", "reference.dialect": true
    case "extractor.file", "sampler.prediction", "sampler.seed", "sampler.stream": false
    // It follows from the other settings, and older results do not say it.
    case "sampler.network_evaluations": false
    default:
      ["extractor.", "sampler.", "allowed_mismatches."].contains { path.hasPrefix($0) }
    }
  }

  /// What two evaluations share when sample i of both began with the same noise, nil for images of
  /// unknown origin.
  var randomStream: [String]? {
    if let sampler = provenance.sampler { return ["\(sampler.seed)", sampler.stream] }
    return samplesSha256.map { [$0] }
  }
}
