/// How images of any size become squares before an extractor prepares them.
public enum ImageCrop: Equatable, Sendable {
  /// guided-diffusion's preparation of training images for a network of images of `side` pixels, which DiT, RAE and
  /// FD-loss use for references too: halving, bicubic resizing of the shorter side, and the central square.
  case adm(side: Int)

  /// The sides that are possible, in pixels.
  public static let sides = 1...4096

  /// The name of the method.
  public var name: String { "adm" }

  /// The side of the square in pixels.
  public var side: Int {
    switch self {
    case .adm(let side): side
    }
  }

  /// Returns the square.
  ///
  /// - Parameter image: The image, `[H, W, C]`.
  /// - SeeAlso: `center_crop_arr` in guided-diffusion, guided_diffusion/image_datasets.py.
  public func callAsFunction(_ image: Image) -> Image { image.centreCropped(side: side) }
}
