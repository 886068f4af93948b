import Checkpoints
import Files

/// Loads the feature extractor whose weights the file at `path` holds. Which one it is, the names of
/// the tensors say.
///
/// - Throws: ``Failure`` `NotAnExtractor` when the names are those of another network, and what
///   reading the file or its weights throws.
public func loadExtractor(path: String) throws(Failure) -> any FeatureExtractor {
  let state = try CheckpointFile.open(path).stateDict(key: nil)
  let names = Set(state.names)
  if names.contains("Mixed_7c.branch_pool.conv.weight") {
    let isTorchvision = names.contains { $0.hasPrefix("AuxLogits.") }
    guard !isTorchvision, state.info("fc.weight")?.shape != [1000, 2048] else {
      throw Failure(
        .dataRefused, "NotAnExtractor", path,
        "torchvision's inception_v3 for ImageNet, whose features give no FID; expected the weights "
          + "of 2015 (pt_inception-2015-12-05-6726825d.pth)")
    }
    return try InceptionV3(state)
  }
  if names.isSuperset(of: ["conv1.weight", "conv3.weight", "fc2.weight"]) {
    return try FashionClassifier(state)
  }
  let isDiS = names.contains { $0.hasSuffix("mixer.in_proj.weight") }
  throw Failure(
    .dataRefused, "NotAnExtractor", path,
    (isDiS ? "a diffusion model" : "an unknown network")
      + "; expected Inception of 2015 under pytorch-fid's names, or the Fashion-MNIST classifier")
}
