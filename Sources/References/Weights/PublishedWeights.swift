import Files

/// A public file with weights of the Inception network of 2015.
public struct PublishedWeights: Codable, Sendable {
  /// The name for `weights fetch`.
  public let name: String
  /// The publisher.
  public let publisher: String
  /// The name of the file.
  public let file: String
  /// The address of the file.
  public let address: String
  /// The SHA-256, or nil if none is published.
  public let sha256: String?
  /// The size in bytes, if it is known.
  public let bytes: Int?

  /// The known files. The first one is the default of `weights fetch` and is named in messages.
  public static let all = [
    PublishedWeights(
      name: "pytorch-fid", publisher: "mseitzer/pytorch-fid",
      file: "pt_inception-2015-12-05-6726825d.pth",
      address: "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/"
        + "pt_inception-2015-12-05-6726825d.pth",
      sha256: "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
      bytes: 95_628_359),
    PublishedWeights(
      name: "torch-fidelity", publisher: "toshas/torch-fidelity, the same file",
      file: "weights-inception-2015-12-05-6726825d.pth",
      address: "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/"
        + "weights-inception-2015-12-05-6726825d.pth",
      sha256: "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
      bytes: 95_628_359),
    PublishedWeights(
      name: "nvidia", publisher: "NVIDIA, for StyleGAN, EDM and clean-fid",
      file: "inception-2015-12-05.pt",
      address: "https://nvlabs-fi-cdn.nvidia.com/stylegan2-ada-pytorch/pretrained/metrics/"
        + "inception-2015-12-05.pt",
      sha256: "f58cb9b6ec323ed63459aa4fb441fe750cfe39fafad6da5cb504a16f19e958f4",
      bytes: 95_607_719),
    PublishedWeights(
      name: "adm", publisher: "openai/guided-diffusion, the TensorFlow graph",
      file: "classify_image_graph_def.pb",
      address: "https://openaipublic.blob.core.windows.net/diffusion/jul-2021/ref_batches/"
        + "classify_image_graph_def.pb",
      sha256: nil, bytes: nil),
  ]

  /// Returns whether a file with that SHA-256 is one of them.
  static func includes(sha256: String) -> Bool { all.contains { $0.sha256 == sha256 } }
}
