import Checkpoints
import Files

/// Loads the feature extractor whose weights the file at `path` holds. Which one it is, the content
/// says: see ``RecognizedWeights``.
///
/// - Throws: ``Failure`` `NotAnExtractor` when the file is of another network, and what reading it or
///   its weights throws.
public func loadExtractor(path: String) throws(Failure) -> any FeatureExtractor {
  try RecognizedWeights(path: path).extractor()
}
