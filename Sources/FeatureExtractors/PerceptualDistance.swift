import Checkpoints
import Files
import Images
import Tensors

/// The learned perceptual distance of two images (LPIPS, version 0.1, with VGG16). Lower is better; it is 0 for
/// equal images.
///
/// A byte x becomes `(x / 127.5 - 1 - shift) / scale`. In each of five layers of VGG16, the channels of every pixel
/// are divided by their Euclidean norm. The squared differences of the two images are weighted by channel, summed,
/// and averaged over the pixels. The distance is the sum over the five layers.
///
/// - SeeAlso: Zhang et al., "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric", arXiv
///   1801.03924; `lpips/lpips.py` of the package lpips 0.1.4.
public struct PerceptualDistance: Sendable {
  /// The two files that its weights come from.
  public enum Part: String, CaseIterable, Sendable {
    /// The convolutions of VGG16, with torchvision's names `features.N.weight` and `features.N.bias`.
    case network = "vgg-16"
    /// The weights of the channels in each layer, with the names `lin0.model.1.weight` to `lin4.model.1.weight`
    /// of the package lpips.
    case channelWeights = "lpips-vgg"
  }

  /// The smallest width and height of an image in pixels: the last layer has one pixel for 16 x 16.
  public static let smallestSide = 16

  /// The numbers of channels after each layer that is compared.
  private static let widths = [64, 128, 256, 512, 512]
  /// The convolutions before each of these layers, by their numbers in torchvision's `features`.
  private static let convolutions = [[0, 2], [5, 7], [10, 12, 14], [17, 19, 21], [24, 26, 28]]
  /// What is subtracted from the numbers of red, green and blue, and what they are divided by.
  private static let normalization: [(shift: Float, scale: Float)] = [
    (-0.030, 0.458), (-0.088, 0.448), (-0.188, 0.450),
  ]

  /// The convolutions with their ReLU before each layer. The image is halved between two layers.
  private let stages: [[PackedConvolution]]
  /// The weights of the channels of each layer.
  private let weights: [[Float]]

  /// Loads both parts of the weights.
  ///
  /// - Parameters:
  ///   - network: The path of a file with VGG16. Its classifier may be there, and is not read.
  ///   - channelWeights: The path of a file with the weights of the channels.
  /// - Throws: ``Failure`` (65) `NotAnExtractor` if a file holds something else, `CheckpointMismatch` with all tensors
  ///   that are missing, unexpected or of a different shape; or the failure of reading a file.
  public init(network: String, channelWeights: String) throws(Failure) {
    try self.init(
      network: Self.weights(.network, at: network),
      channelWeights: Self.weights(.channelWeights, at: channelWeights))
  }

  private init(network: StateDict, channelWeights: StateDict) throws(Failure) {
    stages = try Self.stages(network)
    weights = try Self.weights(ofChannels: channelWeights)
  }

  private static func stages(_ state: StateDict) throws(Failure) -> [[PackedConvolution]] {
    var reader = WeightReader(state)
    var inputs = 3
    let stages = zip(widths, convolutions).map { width, numbers in
      numbers.map { number in
        defer { inputs = width }
        return PackedConvolution(
          weight: reader.tensor("features.\(number).weight", [width, inputs, 3, 3]),
          bias: reader.tensor("features.\(number).bias", [width]).values.map(Double.init),
          padding: (1, 1), relu: true, method: inputs == 3 ? .direct : .compactWinograd)
      }
    }
    try reader.finish(ignoring: { !$0.hasPrefix("features.") })
    return stages
  }

  private static func weights(ofChannels state: StateDict) throws(Failure) -> [[Float]] {
    var reader = WeightReader(state)
    let weights = widths.enumerated().map { index, width in
      reader.tensor("lin\(index).model.1.weight", [1, width, 1, 1]).values
    }
    try reader.finish()
    return weights
  }
}

// MARK: - Files

extension PerceptualDistance {
  /// Returns which of the parts a file holds, by the names of its tensors; nil if it is neither or cannot be read.
  ///
  /// - Parameter path: The file.
  package static func part(at path: String) -> Part? {
    Part.allCases.first { (try? weights($0, at: path)) != nil }
  }

  /// Reads one part of the weights to check that all tensors are there.
  ///
  /// - Parameters:
  ///   - part: The part that the file is to hold.
  ///   - path: The file.
  /// - Throws: ``Failure`` as ``init(network:channelWeights:)`` does.
  package static func check(_ part: Part, at path: String) throws(Failure) {
    let state = try weights(part, at: path)
    switch part {
    case .network: _ = try stages(state)
    case .channelWeights: _ = try weights(ofChannels: state)
    }
  }

  /// Opens a file that is to hold a part.
  ///
  /// - Throws: ``Failure`` `NotAnExtractor` (65) if it has no tensor of that part.
  private static func weights(_ part: Part, at path: String) throws(Failure) -> StateDict {
    let (names, expected) =
      switch part {
      case .network:
        (
          convolutions.joined().flatMap { ["features.\($0).weight", "features.\($0).bias"] },
          "VGG16 with torchvision's names, as in vgg16-397923af.pth"
        )
      case .channelWeights:
        (
          widths.indices.map { "lin\($0).model.1.weight" },
          "the weights of the channels of LPIPS, as in vgg.pth of the package lpips"
        )
      }
    let state = try CheckpointFile.open(path).taken(nil, option: nil).state
    guard state.names.contains(where: names.contains) else {
      throw Failure(
        .dataRefused, .notAnExtractor, path, "an unknown network; expected \(expected)")
    }
    return state
  }
}

// MARK: - Distance

extension PerceptualDistance {
  /// Returns the distance of two images.
  ///
  /// - Parameters:
  ///   - image: An image, grey or RGB, of at least ``smallestSide`` pixels on each side.
  ///   - other: An image of the same width and height.
  /// - Throws: ``Failure`` `ImageMismatch` (65) if the images differ in size or are too small.
  public func callAsFunction(_ image: Image, _ other: Image) throws(Failure) -> Double {
    func refused(_ detail: String) -> Failure {
      Failure(.dataRefused, .imageMismatch, "LPIPS", detail)
    }
    guard image.width == other.width, image.height == other.height else {
      throw refused(
        "images of \(image.width) x \(image.height) and \(other.width) x \(other.height) pixels")
    }
    guard min(image.width, image.height) >= Self.smallestSide else {
      throw refused(
        "an image of \(image.width) x \(image.height) pixels, expected at least \(Self.smallestSide) on each side"
      )
    }
    var (x, y) = (Self.input(image), Self.input(other))
    var sum = 0.0
    for (index, stage) in stages.enumerated() {
      if index > 0 {
        (x, y) = (
          maxPoolChannelsLast(x, Window(2, stride: 2)), maxPoolChannelsLast(y, Window(2, stride: 2))
        )
      }
      for convolution in stage { (x, y) = (convolution(x), convolution(y)) }
      sum += Self.distance(x, y, weights[index])
    }
    return sum
  }

  /// Returns the network's input, `[H, W, 3]`.
  private static func input(_ image: Image) -> Tensor {
    let step = image.channels == 3 ? 1 : 0
    let numbers = normalization.map { normalization in
      (0...255).map { (Float($0) / 127.5 - 1 - normalization.shift) / normalization.scale }
    }
    var values: [Float] = []
    values.reserveCapacity(3 * image.width * image.height)
    for start in stride(from: 0, to: image.pixels.count, by: image.channels) {
      for channel in 0..<3 {
        values.append(numbers[channel][Int(image.pixels[start + step * channel])])
      }
    }
    return Tensor(shape: [image.height, image.width, 3], values: values)
  }

  /// Returns the mean over the pixels of the weighted squared differences of unit vectors, summed in `Double`.
  ///
  /// - Parameters:
  ///   - x: `[H, W, C]`.
  ///   - y: Of the same shape.
  ///   - weights: `[C]`.
  private static func distance(_ x: Tensor, _ y: Tensor, _ weights: [Float]) -> Double {
    let (pixels, channels) = (x.rows, x.columns)
    let weights = weights.map(Double.init)
    return x.values.withUnsafeBufferPointer { x in
      y.values.withUnsafeBufferPointer { y in
        var sum = 0.0
        for start in stride(from: 0, to: pixels * channels, by: channels) {
          let (a, b) = (x[start..<start + channels], y[start..<start + channels])
          let (first, second) = (1 / (norm(a) + 1e-10), 1 / (norm(b) + 1e-10))
          for channel in 0..<channels {
            let difference =
              Double(x[start + channel]) * first - Double(y[start + channel]) * second
            sum += weights[channel] * difference * difference
          }
        }
        return sum / Double(pixels)
      }
    }
  }

  private static func norm(_ values: Slice<UnsafeBufferPointer<Float>>) -> Double {
    values.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
  }
}
