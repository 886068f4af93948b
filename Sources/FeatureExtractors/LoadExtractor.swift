import Checkpoints
import Files
import Tensors

/// Loads the feature extractor whose weights are in the file at `path`. The network is determined
/// by the content of the file; see ``RecognizedWeights``.
///
/// - Parameters:
///   - path: The file of weights.
///   - dialect: The tool whose features a vision network computes. It may be left out for a network
///     that only one tool uses, and does not apply to other networks.
///   - family: The family of a vision network, which is needed only for MAE, whose tensors do not show
///     it.
///   - precision: The number format of the network's products, if it supports it.
/// - Throws: ``Failure`` as ``RecognizedWeights/init(path:family:)`` and
///   ``RecognizedWeights/extractor(precision:dialect:)`` do: `NotAnExtractor` (65) for a different
///   network, `AmbiguousExtractor` (64) if the family or the dialect is needed, `DialectUnsupported`
///   (64) if the tool does not use the network, `CheckpointMismatch` or `GraphMismatch` (65) for
///   tensors or a graph that do not match, or the failure of reading the file.
public func loadExtractor(
  path: String, dialect: VisionDialect? = nil, family: VisionFamily? = nil,
  precision: Precision = .float32
) throws(Failure) -> any FeatureExtractor {
  try RecognizedWeights(path: path, family: family).extractor(
    precision: precision, dialect: dialect)
}
