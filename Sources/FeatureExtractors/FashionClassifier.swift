import Checkpoints
import Files
import Images
import Tensors

/// The Fashion-MNIST classifier whose features score the demonstration: three convolutions and two
/// fully connected layers. The features are the outputs of the first fully connected layer, before
/// the ReLU.
public struct FashionClassifier: FeatureExtractor {
  /// The name of the architecture in the metadata of the weights.
  public let name = "fashion-classifier"
  /// The number of outputs of the first fully connected layer.
  public let featureDimension = 128
  /// The number of classes of Fashion-MNIST.
  public let classCount = 10
  /// 0: it has no features with positions.
  public let spatialDimension = 0
  /// The preparation of images: black becomes -1 and white becomes 1.
  public let ownPreparation: String? = "grey 28x28, x/127.5-1"

  private let layers: [Layer]
  private let features: (weight: Tensor, bias: Tensor)
  private let classifier: (weight: Tensor, bias: Tensor)

  /// Loads the weights `conv1` to `conv3`, `fc1` and `fc2`.
  ///
  /// - Throws: ``Failure`` `CheckpointMismatch` (65) with all tensors that are missing, unexpected
  ///   or of a different shape, or the failure of reading a tensor.
  package init(_ state: StateDict) throws(Failure) {
    var weights = WeightReader(state)
    func read(_ name: String, _ shape: [Int]) -> (weight: Tensor, bias: Tensor) {
      (weights.tensor("\(name).weight", shape), weights.tensor("\(name).bias", [shape[0]]))
    }
    func convolution(_ name: String, _ inputs: Int, _ outputs: Int) -> Layer {
      let (weight, bias) = read(name, [outputs, inputs, 3, 3])
      return .convolution(Conv2d(weight: weight, bias: bias, padding: (1, 1), relu: true))
    }
    layers = [
      convolution("conv1", 1, 32),  // [32, 28, 28]
      .maxPool(Window(2, stride: 2)),  // [32, 14, 14]
      convolution("conv2", 32, 64),  // [64, 14, 14]
      .maxPool(Window(2, stride: 2)),  // [64, 7, 7]
      convolution("conv3", 64, 96),  // [96, 7, 7]
      .maxPool(Window(2, stride: 2)),  // [96, 3, 3]
    ]
    features = read("fc1", [featureDimension, 96 * 3 * 3])
    classifier = read("fc2", [classCount, featureDimension])
    try weights.finish()
  }

  /// Computes the features and logits of grey images, or of RGB images whose pixels are grey.
  ///
  /// - Parameters:
  ///   - images: Images of 28 x 28 pixels.
  ///   - preparation: Ignored, see ``ownPreparation``.
  /// - Returns: 128 features and 10 logits for each image.
  /// - Throws: ``Failure`` `ImageMismatch` (65) if an image has a different size or is coloured.
  public func callAsFunction(
    _ images: [Image], _ preparation: Preparation
  ) throws -> [ExtractedFeatures] { try images.map(features(of:)) }

  private func features(of image: Image) throws(Failure) -> ExtractedFeatures {
    let x = layers(try input(image)).reshaped([1, 96 * 3 * 3])
    let hidden = linear(x, self.features.weight, bias: self.features.bias)
    let rectified = Tensor(shape: hidden.shape, values: hidden.values.map { max($0, 0) })
    let logits = linear(rectified, classifier.weight, bias: classifier.bias)
    return ExtractedFeatures(features: hidden.values, logits: logits.values)
  }

  /// Returns the network's input, `[1, 28, 28]`, with values in [-1, 1].
  private func input(_ image: Image) throws(Failure) -> Tensor {
    let bytes = stride(from: 0, to: image.pixels.count, by: image.channels).map { image.pixels[$0] }
    let isGrey = image.pixels.indices.allSatisfy { image.pixels[$0] == bytes[$0 / image.channels] }
    guard isGrey, image.width == 28, image.height == 28 else {
      throw Failure(
        .dataRefused, .imageMismatch, name,
        "a \(isGrey ? "grey" : "coloured") image of \(image.width) x \(image.height) pixels, "
          + "expected a grey one of 28 x 28")
    }
    return Tensor(shape: [1, 28, 28], values: bytes.map { Float($0) / 127.5 - 1 })
  }
}
