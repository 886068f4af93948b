import Checkpoints
import Files
import Images
import Tensors

/// The Inception v3 network of December 2015, whose features define the FID and the Inception
/// Score.
///
/// The architecture is that of the TensorFlow graph `inception-2015-12-05` as ported by
/// pytorch-fid: average pools do not count padding, and the pool of the last block takes the
/// maximum. torchvision's `inception_v3` differs in both.
///
/// Each unit consists of a convolution without bias, a batch normalisation and a ReLU. The
/// normalisation is folded into the convolution.
///
/// - SeeAlso: Szegedy et al., "Rethinking the Inception Architecture for Computer Vision", arXiv
///   1512.00567; pytorch-fid, src/pytorch_fid/inception.py.
public struct InceptionV3: FeatureExtractor {
  /// The name of the graph that defines the FID.
  public let name = "inception-2015"
  /// The number of channels after the last block.
  public let featureDimension = 2048
  /// The number of outputs of the classifier.
  public let classCount = 1008
  /// 7 channels at 17 x 17 positions.
  public let spatialDimension = 7 * 17 * 17
  /// Nil: tools prepare images in different ways.
  public let ownPreparation: String? = nil
  /// The number format of the products in its convolutions; see ``InceptionLayers`` for the
  /// exceptions.
  public let precision: Precision

  /// 4: from `Mixed_6a` on, weights are larger than images.
  public let imagesTogether = 4

  /// `[299, 299, 3]` to the output of `Mixed_6a`, `[17, 17, 768]`.
  private let front: PackedNetwork
  /// From there to the output of `Mixed_6d`, of the same shape.
  private let middle: PackedNetwork
  /// From there to `[8, 8, 2048]`.
  private let back: PackedNetwork
  /// The classifier, 2048 to 1008, without its bias.
  private let classifier: PackedLinear
  /// The bias of the classifier, `[1008]`, which the Inception Score omits.
  package let classifierBias: Tensor

  /// Loads weights with pytorch-fid's names: `<unit>.conv.weight`, `<unit>.bn.*`, `fc.*`.
  ///
  /// - Throws: ``Failure`` `CheckpointMismatch` (65) with all tensors that are missing, unexpected
  ///   or of a different shape, or the failure of reading a tensor.
  package init(_ state: StateDict, precision: Precision = .float32) throws(Failure) {
    try self.init(WeightReader(state), precision: precision)
  }

  /// Loads the weights that `weights` provides.
  ///
  /// - Throws: ``Failure`` `CheckpointMismatch` (65) as for a state dict, or the failure of reading
  ///   a tensor.
  package init(_ weights: WeightReader, precision: Precision = .float32) throws(Failure) {
    self.precision = precision
    var reader = InceptionLayers(weights: weights, precision: precision)
    front = PackedNetwork(reader.throughMixed6a(), input: [299, 299, 3])
    middle = PackedNetwork(reader.throughMixed6d(), input: front.outputShape)
    back = PackedNetwork(reader.afterMixed6d(), input: middle.outputShape)
    classifier = PackedLinear(
      reader.weights.tensor("fc.weight", [classCount, featureDimension]), precision: precision)
    classifierBias = reader.weights.tensor("fc.bias", [classCount])
    // PyTorch counts training batches; files converted from TensorFlow do not contain these counts.
    try reader.weights.finish(ignoring: { $0.hasSuffix(".bn.num_batches_tracked") })
  }

  /// Measures the operations on one thread, with as many images together as in
  /// ``callAsFunction(_:_:)``.
  ///
  /// - Parameter rounds: How often; the least time of each operation counts.
  package func operationTimes(rounds: Int) -> [OperationTimes] {
    OperationTimes.summed(
      front.operationTimes(images: 1, rounds: rounds)
        + middle.operationTimes(images: imagesTogether, rounds: rounds)
        + back.operationTimes(images: imagesTogether, rounds: rounds))
  }

  /// Computes the features of each image, which are means over 8 x 8 positions; the logits used by
  /// the Inception Score, `W · features` without the bias; and the features of sFID.
  ///
  /// The features of sFID are those that guided-diffusion reads from the graph's `mixed_6/conv`:
  /// the first 7 channels of the first branch of `Mixed_6d`, in the order
  /// `(row · 17 + column) · 7 + channel`. Statistics in the order of PyTorch's arrays are not
  /// comparable.
  ///
  /// - Parameters:
  ///   - images: Images of any size.
  ///   - preparation: How they become the network's input.
  /// - Returns: 2048 features, 1008 logits and 2023 features with positions for each image.
  /// - SeeAlso: `FID_SPATIAL_NAME` and `_create_feature_graph` in guided-diffusion (22e0df8),
  ///   evaluations/evaluator.py.
  public func callAsFunction(
    _ images: [Image], _ preparation: Preparation
  ) -> [ExtractedFeatures] {
    let mixed6d = middle(images.map { front(channelsLast(preparation($0))) })
    let features = back(mixed6d).map(globalMean)
    let rows = Tensor(
      shape: [images.count, featureDimension], values: features.flatMap(\.values))
    let logits = classifier(rows)
    return images.indices.map { index in
      let positions = mixed6d[index].values
      return ExtractedFeatures(
        features: features[index].values,
        logits: Array(logits.values[index * classCount..<(index + 1) * classCount]),
        // The channels of the first branch come first in the block's output.
        spatial: (0..<spatialDimension).map { positions[$0 / 7 * 768 + $0 % 7] })
    }
  }
}
