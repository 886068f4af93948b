import Crypto
import Diffusion
import Files
import Foundation
import Results
import Sampling
import Tensors

/// All settings that determine an evaluation's result, apart from the checkpoint. The machine and
/// the version determine only the last bits; results record them.
package struct SweepKey: Encodable {
  /// Changed if the same settings must get different keys.
  let schema = "dis-eval-key/1"
  var checkpointKey: String?
  var sampler: String
  var prediction: String
  var respacing: String
  var eta: Double
  var flowNoise: FlowNoise?
  var guidanceScale: Double
  var guidanceInterval: [Double]
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
  /// The name of a vision network with its dialect, because tools compute different features with the same weights;
  /// nil for others.
  var extractorName: String?
  var metrics: [String]?
  var optionalMetrics: [String]
  var givesIntervals: Bool
  var allowsMismatch: Bool
  var preset: String?
  var backbone: BackboneRequest?

  /// The settings of the stochastic differential equation of a flow.
  struct FlowNoise: Encodable {
    let diffusion: String
    let diffusionNorm: Double?
    let lastStep: String?
    let lastStepSize: Double?

    init?(_ sampling: SamplingRequest?) {
      guard let sampling, let diffusion = sampling.diffusion else { return nil }
      (self.diffusion, diffusionNorm) = (diffusion, sampling.diffusionNorm)
      (lastStep, lastStepSize) = (sampling.lastStep, sampling.lastStepSize)
    }
  }

  /// Collects the settings that determine the result of a request.
  ///
  /// - Parameters:
  ///   - request: The request, whose checkpoint and seed are not part of these settings.
  ///   - settings: The settings of the request's sampler.
  ///   - decoder: The request's decoder; nil for a model of pixels.
  ///   - reference: The SHA-256 of the reference, whether a file or a folder.
  ///   - extractor: The extractor, of which the SHA-256 over the tensors is used or, if it is not known, that of the
  ///     file.
  package init(
    _ request: EvaluationRequest, settings: SamplingSettings, decoder: DecoderProvenance?,
    reference: String, extractor: ExtractorProvenance
  ) {
    checkpointKey = request.checkpoint?.key
    sampler = settings.sampler.rawValue
    prediction = settings.prediction.rawValue
    respacing = "\(settings.respacing)"
    eta = settings.eta
    flowNoise = FlowNoise(request.checkpoint?.sampling)
    backbone = request.checkpoint?.backbone
    guidanceScale = settings.guidanceScale
    guidanceInterval = [
      settings.guidanceInterval.lowerBound, settings.guidanceInterval.upperBound,
    ]
    guidesFirst3 = settings.guidedChannels == .first3
    clips = settings.clips
    labels = settings.labels.sha256 == nil ? settings.labels.description : "file"
    labelsSha256 = settings.labels.sha256
    quantizesLikeADM = settings.quantizer == .adm
    precision = request.precision.rawValue
    self.decoder = decoder
    self.decoder?.file = ""  // It may have been renamed.
    num = request.num ?? EvaluationRequest.defaultCount
    (dialect, referenceDialect) = (request.dialect, request.referenceDialect)
    self.reference = reference
    self.extractor = extractor.tensorsSha256 ?? extractor.sha256
    extractorName = extractor.requestedName
    (metrics, optionalMetrics) = (request.metrics, request.optionalMetrics)
    (givesIntervals, allowsMismatch) = (request.intervals, request.allowsMismatch)
    preset = request.preset
  }

  /// Returns the key of one evaluation with these settings.
  ///
  /// - Parameters:
  ///   - checkpoint: The SHA-256 of the checkpoint.
  ///   - seed: The seed of the random streams.
  /// - Throws: `EncodingError` if a number is not finite.
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
