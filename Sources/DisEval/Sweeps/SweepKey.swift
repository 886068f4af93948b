import Crypto
import Files
import Foundation
import Results
import Tensors

/// Everything asked for that decides an evaluation's result, apart from the checkpoint. Machine and
/// version decide last bits alone; results say them.
package struct SweepKey: Encodable {
  /// Changed when keys of the same settings must become others.
  let schema = "dis-eval-key/1"
  var checkpointKey: String?
  var sampler: String
  var prediction: String
  var respacing: String
  var eta: Double
  var guidanceScale: Double
  var guidanceInterval: [Int]
  var guidesFirst3: Bool
  var clips: Bool
  var labels: String
  var labelsSha256: String?
  var quantizesLikeADM: Bool
  var precision: String
  var decoder: DecoderProvenance?
  var num: Int
  var dialect: String?
  var referenceDialect: String?
  var reference: String
  var extractor: String?
  var metrics: [String]?
  var optionalMetrics: [String]
  var givesIntervals: Bool
  var allowsMismatch: Bool
  var preset: String?

  /// - Parameters:
  ///   - reference: SHA-256 of the reference.
  ///   - extractor: SHA-256 of the extractor's weights.
  package init(_ sweep: Sweep, reference: String, extractor: String?) {
    let (settings, evaluation) = (sweep.settings, sweep.template)
    checkpointKey = sweep.checkpointKey
    sampler = settings.sampler.rawValue
    prediction = settings.prediction.rawValue
    respacing = settings.respacing
    eta = settings.eta
    guidanceScale = settings.guidanceScale
    guidanceInterval = [
      settings.guidanceInterval.lowerBound, settings.guidanceInterval.upperBound,
    ]
    guidesFirst3 = settings.guidesFirst3
    clips = settings.clips
    labels = settings.labels.sha256 == nil ? settings.labels.description : "file"
    labelsSha256 = settings.labels.sha256
    quantizesLikeADM = settings.quantizesLikeADM
    precision = evaluation.precision.rawValue
    decoder = sweep.decoder?.provenance
    decoder?.file = ""  // It may have been renamed.
    num = sweep.count
    switch evaluation.dialects {
    case .fitting: dialect = nil
    case .one(let one): dialect = one.rawValue
    case .all: dialect = "all"
    }
    referenceDialect = evaluation.referenceDialect?.rawValue
    self.reference = reference
    self.extractor = extractor
    metrics = evaluation.metrics?.map(\.rawValue).sorted()
    optionalMetrics = evaluation.optionalMetrics.map(\.rawValue).sorted()
    givesIntervals = evaluation.givesIntervals
    allowsMismatch = evaluation.allowsMismatch
    preset = evaluation.preset?.name
  }

  /// What an evaluation of a checkpoint of that SHA-256 with that seed is called by.
  package func text(checkpoint: String, seed: UInt64) throws -> String {
    struct Whole: Encodable {
      let checkpoint: String
      let seed: UInt64
      let settings: SweepKey
    }
    return hexadecimal(
      SHA256.hash(
        data: try compactJSON(Whole(checkpoint: checkpoint, seed: seed, settings: self))))
  }
}
