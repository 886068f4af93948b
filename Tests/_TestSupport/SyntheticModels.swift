import Checkpoints
import Foundation

extension SyntheticDiS {
  /// The model's state dict, written to a file and read back as any checkpoint is.
  package func stateDict(in folder: TemporaryFolder) throws -> StateDict {
    let url = folder.url.appendingPathComponent("synthetic-\(seed).safetensors")
    try write(to: url)
    return try CheckpointFile.open(url.path).stateDict(key: nil)
  }
}
