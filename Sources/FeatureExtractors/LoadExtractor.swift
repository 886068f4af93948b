import Checkpoints
import Files

/// Loads the feature extractor whose weights are in the file at `path`. The network is determined
/// by the content of the file; see ``RecognizedWeights``.
///
/// - Throws: ``Failure`` as ``RecognizedWeights/init(path:)`` and
///   ``RecognizedWeights/extractor(precision:)`` do: `NotAnExtractor` (65) for a different network,
///   `CheckpointMismatch` or `GraphMismatch` (65) for tensors or a graph that do not match, or the
///   failure of reading the file.
public func loadExtractor(path: String) throws(Failure) -> any FeatureExtractor {
  try RecognizedWeights(path: path).extractor()
}
