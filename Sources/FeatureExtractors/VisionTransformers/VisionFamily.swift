/// The families of networks beside Inception whose features are compared.
public enum VisionFamily: String, CaseIterable, Sendable {
  /// DINOv2, with or without registers.
  case dinov2
  /// The image towers of CLIP.
  case clip
  /// The encoder of a masked autoencoder.
  case mae
  /// The image tower of SigLIP2.
  case siglip2
  /// ConvNeXt V2, which is a convolutional network.
  case convNeXtV2 = "convnextv2"

  /// The name for people.
  var title: String {
    switch self {
    case .dinov2: "DINOv2"
    case .clip: "CLIP"
    case .mae: "MAE"
    case .siglip2: "SigLIP2"
    case .convNeXtV2: "ConvNeXt V2"
    }
  }
}
