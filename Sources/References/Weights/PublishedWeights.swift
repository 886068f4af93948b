import FeatureExtractors
import Files
import GenerativeMetrics

/// A public file with weights of a feature extractor.
public struct PublishedWeights: Codable, Sendable {
  /// The name for `weights fetch`.
  public let name: String
  /// The network, such as `inception-2015` or `dinov2-vit-l-14`.
  public var architecture = MetricTitle.inception
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
  public static let all = inception + dinov2 + clip + others + perceptual

  /// Files with the Inception network of 2015.
  static let inception = [
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

  private static let dinov2 = [
    dinov2("s", "b938bf1bc15cd2ec0feacfe3a1bb553fe8ea9ca46a7e1d8d00217f29aef60cd9", 88_283_115),
    dinov2("b", "0b8b82f85de91b424aded121c7e1dcc2b7bc6d0adeea651bf73a13307fad8c73", 346_378_731),
    dinov2("l", "d5383ea8f4877b2472eb973e0fd72d557c7da5d3611bd527ceeb1d7162cbf428", 1_217_586_395),
    dinov2("g", "baf8467e50af277596bbbafa06887c177ee899ab46033649c383577d7e9309d3", 4_546_108_579),
    dinov2("s", "f433177089a681826f849f194ece3bb48f4d63fb38d32fc837e3dc7a4e5641fb", registers: 4),
    dinov2("b", "73182a088cf94833c94b1666d1c99e02fe87e2007bff57b564fb6206e25dba71", registers: 4),
    dinov2("l", "36e4deffbaef061a2576705b0c36f93621e2ae20bf6274694821b0b492551b51", registers: 4),
    dinov2("g", "746ecb8c6301c645c5c855be91687d274587d6e48fdaec4a729753160b34a283", registers: 4),
  ]

  private static func dinov2(
    _ size: String, _ sha256: String, _ bytes: Int? = nil, registers: Int = 0
  ) -> PublishedWeights {
    let ending = registers > 0 ? "_reg\(registers)" : ""
    let file = "dinov2_vit\(size)14\(ending)_pretrain.pth"
    let architecture = "dinov2-vit-\(size)-14" + (registers > 0 ? "-reg\(registers)" : "")
    return PublishedWeights(
      name: architecture, architecture: architecture, publisher: "facebookresearch/dinov2",
      file: file, address: "https://dl.fbaipublicfiles.com/dinov2/dinov2_vit\(size)14/\(file)",
      sha256: sha256, bytes: bytes)
  }

  private static let clip = [
    clip(
      "b-32", "ViT-B-32.pt", "40d365715913c9da98579312b702a82c18be219cc2a73407c4526f58eba950af",
      353_976_522),
    clip(
      "l-14", "ViT-L-14.pt", "b8cca3fd41ae0c99ba7e8951adf17d267cdb84cd88be6f7c2e0eca1737a03836",
      932_768_134),
    clip(
      "l-14-336", "ViT-L-14-336px.pt",
      "3035c92b350959924f9f00213499208652fc7ea050643e8b385c2dac08641f02", 934_088_680),
  ]

  private static func clip(
    _ size: String, _ file: String, _ sha256: String, _ bytes: Int
  ) -> PublishedWeights {
    PublishedWeights(
      name: "clip-vit-\(size)", architecture: "clip-vit-\(size)", publisher: "openai/CLIP",
      file: file, address: "https://openaipublic.azureedge.net/clip/models/\(sha256)/\(file)",
      sha256: sha256, bytes: bytes)
  }

  private static let others = [
    PublishedWeights(
      name: "siglip2-so400m-16", architecture: "siglip2-so400m-16",
      publisher: "timm, of Google's weights",
      file: "vit_so400m_patch16_siglip_256.v2_webli.safetensors",
      address: "https://huggingface.co/timm/vit_so400m_patch16_siglip_256.v2_webli/resolve/main/"
        + "model.safetensors",
      sha256: nil, bytes: nil),
    PublishedWeights(
      name: "mae-vit-l-16", architecture: "mae-vit-l-16", publisher: "facebookresearch/mae",
      file: "mae_pretrain_vit_large.pth",
      address: "https://dl.fbaipublicfiles.com/mae/pretrain/mae_pretrain_vit_large.pth",
      sha256: nil, bytes: nil),
    PublishedWeights(
      name: "convnextv2-b", architecture: "convnextv2-b",
      publisher: "facebookresearch/ConvNeXt-V2", file: "convnextv2_base_22k_224_ema.pt",
      address: "https://dl.fbaipublicfiles.com/convnext/convnextv2/im22k/"
        + "convnextv2_base_22k_224_ema.pt",
      sha256: nil, bytes: nil),
  ]

  /// The two files of LPIPS.
  private static let perceptual = [
    PublishedWeights(
      name: PerceptualDistance.Part.network.rawValue,
      architecture: PerceptualDistance.Part.network.rawValue,
      publisher: "torchvision, IMAGENET1K_V1, for LPIPS", file: "vgg16-397923af.pth",
      address: "https://download.pytorch.org/models/vgg16-397923af.pth",
      sha256: "397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",
      bytes: 553_433_881),
    PublishedWeights(
      name: PerceptualDistance.Part.channelWeights.rawValue,
      architecture: PerceptualDistance.Part.channelWeights.rawValue,
      publisher: "richzhang/PerceptualSimilarity, version 0.1", file: "vgg.pth",
      address: "https://raw.githubusercontent.com/richzhang/PerceptualSimilarity/"
        + "082bb24f84c091ea94de2867d34c4544f68e0963/lpips/weights/v0.1/vgg.pth",
      sha256: "a78928a0af1e5f0fcb1f3b9e8f8c3a2a5a3de244d830ad5c1feddc79b8432868", bytes: 7289),
  ]

  /// Returns the published file of a part of LPIPS.
  static func of(_ part: PerceptualDistance.Part) -> PublishedWeights {
    guard let file = perceptual.first(where: { $0.architecture == part.rawValue }) else {
      preconditionFailure("every part is published")
    }
    return file
  }

  /// Whether the file is one of Inception, which are converted to one form.
  var isInception: Bool { architecture == MetricTitle.inception }

  /// Returns whether a file with that SHA-256 is one of them.
  static func includes(sha256: String) -> Bool { all.contains { $0.sha256 == sha256 } }
}
