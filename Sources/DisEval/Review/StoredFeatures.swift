import FeatureExtractors
import Files
import GenerativeMetrics
import Results

/// The features and hashes of a run's samples.
struct StoredFeatures {
  let rows: FeatureRows
  /// SHA-256 of the pixels, by index.
  let digests: [[UInt8]]

  /// - Throws: `Failure` `OtherRun` (65) for a run of other samples or features than the result's,
  ///   `RunIncomplete` (65).
  init(run path: String, result: EvaluationResult, count: Int) throws {
    let directory = try RunDirectory(path: path)
    let configuration = directory.record.configuration
    guard configuration.checkpoint?.sha256 == result.provenance.checkpoint?.sha256,
      configuration.generator?.identity == result.provenance.generator?.identity,
      try encodedJSON(configuration.sampler) == encodedJSON(result.provenance.sampler),
      configuration.extractor.sha256 == result.provenance.extractor.sha256
    else {
      throw Failure(
        .dataRefused, .otherRun, path,
        "its checkpoint, sampler or extractor is not that of the result; give the result's own run")
    }
    let names = configuration.kept.preparations
    let own = Reviewer.preparation(result).name
    // An extractor with one way of its own keeps one.
    guard let name = names.contains(own) ? own : names.count == 1 ? names[0] : nil,
      let preparation = Preparation(name: name)
    else {
      throw Failure(
        .dataRefused, .otherRun, path,
        "the run kept features prepared as \(names.joined(separator: ", ")), not as \(own)")
    }
    let units = directory.record.units(count: count)
    guard directory.record.count >= count, units.allSatisfy(directory.isFinished) else {
      throw Failure(
        .dataRefused, .runIncomplete, path,
        "not all of the result's \(count) samples are there; run the same 'dis-eval fid `run`' again"
      )
    }
    var (values, digests): ([Float], [[UInt8]]) = ([], [])
    for unit in units {
      let content = try directory.read(unit)
      for offset in 0..<min(unit.count, count - unit.first) {
        let scored = content.scoredImage(at: offset)
        values += scored.features[preparation]?.features ?? []
        digests.append(scored.digest)
      }
    }
    rows = try FeatureRows(values, dimension: configuration.kept.features)
    self.digests = digests
  }
}
