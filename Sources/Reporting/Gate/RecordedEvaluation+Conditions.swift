import Results

extension RecordedEvaluation {
  /// The conditions, besides the samples, that the values depend on, by their location in the
  /// document.
  ///
  /// Excludes the checkpoint and everything that belongs to it, which a gate judges, and file
  /// names.
  ///
  /// - Throws: `EncodingError` if a number in the provenance is not finite.
  var conditions: [String: String] {
    get throws {
      let leaves = try JSONValue(of: provenance).leaves().filter { Self.isCondition($0.path) }
      var conditions = Dictionary(leaves.map { ($0.path, $0.value.shown) }) { first, _ in first }
      // The same tensors may be in a file of a different format.
      if conditions["extractor.tensors_sha256"] != nil { conditions["extractor.sha256"] = nil }
      return conditions
    }
  }

  private static func isCondition(_ path: String) -> Bool {
    switch path {
    case "dialect", "num", "reference.sha256", "reference.count", "reference.dialect": true
    case "extractor.file", "sampler.prediction", "sampler.seed", "sampler.stream": false
    // It follows from the other settings and is missing in older results.
    case "sampler.network_evaluations": false
    default:
      ["extractor.", "sampler.", "allowed_mismatches."].contains { path.hasPrefix($0) }
    }
  }
}
