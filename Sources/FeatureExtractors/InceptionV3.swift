import Checkpoints
import Files
import Images
import Tensors

/// The Inception v3 network of December 2015, whose features define FID and the Inception Score.
///
/// The architecture is that of the TensorFlow graph `inception-2015-12-05` as pytorch-fid ports it:
/// average pools do not count padding, and the pool of the last block takes the maximum.
/// torchvision's `inception_v3` differs in both.
///
/// Each unit is a convolution without bias, a batch normalisation and a ReLU; the normalisation is
/// folded into the convolution.
///
/// - SeeAlso: Szegedy et al., "Rethinking the Inception Architecture for Computer Vision",
///   arXiv 1512.00567; pytorch-fid, src/pytorch_fid/inception.py.
public struct InceptionV3: FeatureExtractor {
  /// The name of the graph that FID is defined by.
  public let name = "inception-2015"
  /// Channels after the last block.
  public let featureDimension = 2048
  /// Outputs of the classifier.
  public let classCount = 1008
  /// As pytorch-fid does it.
  public let preprocessing = "x/255, bilinear to 299x299 (PyTorch, half-pixel, no antialias), 2x-1"

  private let layers: [Layer]
  /// Shape `[1008, 2048]`.
  private let classifier: Tensor
  /// The classifier's bias, `[1008]`. The Inception Score leaves it out.
  package let classifierBias: Tensor

  /// Loads weights under pytorch-fid's names: `<unit>.conv.weight`, `<unit>.bn.*`, `fc.*`.
  ///
  /// - Throws: ``Failure`` `CheckpointMismatch` when tensors are missing, of another shape, or too
  ///   many.
  package init(_ state: StateDict) throws(Failure) { try self.init(WeightReader(state)) }

  /// Loads what `weights` hands out.
  package init(_ weights: WeightReader) throws(Failure) {
    var reader = InceptionLayers(weights: weights)
    layers = reader.all()
    classifier = reader.weights.tensor("fc.weight", [classCount, featureDimension])
    classifierBias = reader.weights.tensor("fc.bias", [classCount])
    // PyTorch counts training batches; files converted from TensorFlow leave the counts out.
    try reader.weights.finish(ignoring: { $0.hasSuffix(".bn.num_batches_tracked") })
  }

  /// The features of `image`, means over 8 x 8 positions, and the logits as the Inception Score uses
  /// them: `W · features`, without the bias.
  public func callAsFunction(_ image: Image) -> ExtractedFeatures {
    let features = globalMean(layers(Self.input(image)))
    return ExtractedFeatures(
      features: features.values, logits: linear(features, classifier).values)
  }

  /// `image` as pytorch-fid prepares it: `[3, 299, 299]`, values in [-1, 1], grey repeated.
  package static func input(_ image: Image) -> Tensor {
    var x = image.bilinearlyResized(width: 299, height: 299)
    for index in x.values.indices { x.values[index] = 2 * x.values[index] - 1 }
    return image.channels == 3 ? x : concatenateChannels([x, x, x])
  }
}
