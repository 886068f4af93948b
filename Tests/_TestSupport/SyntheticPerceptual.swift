import Foundation

/// The two files of LPIPS with synthetic weights (scripts/fixtures/lpips_distance.py).
package enum SyntheticPerceptual {
  private static let weights = SyntheticWeights(seed: 40)

  /// The names and shapes of VGG16's convolutions.
  package static let networkShapes: [(name: String, shape: [Int])] = {
    let layers: [(Int, Int, Int)] = [
      (0, 3, 64), (2, 64, 64), (5, 64, 128), (7, 128, 128), (10, 128, 256), (12, 256, 256),
      (14, 256, 256), (17, 256, 512), (19, 512, 512), (21, 512, 512), (24, 512, 512),
      (26, 512, 512), (28, 512, 512),
    ]
    return layers.flatMap { number, inputs, outputs in
      [
        ("features.\(number).weight", [outputs, inputs, 3, 3]),
        ("features.\(number).bias", [outputs]),
      ]
    }
  }()

  /// The names and shapes of the weights of the channels.
  package static let channelShapes = [64, 128, 256, 512, 512].enumerated().map {
    (name: "lin\($0.offset).model.1.weight", shape: [1, $0.element, 1, 1])
  }

  /// VGG16's convolutions.
  package static var network: [SyntheticTensor] {
    networkShapes.map { name, shape in
      SyntheticTensor(key: name, shape: shape) {
        weights.values(name, shape, shape.count == 1 ? .uniform(0, 0.1) : .gain(2.0.squareRoot()))
      }
    }
  }

  /// The weights of the channels, none of them negative.
  package static var channelWeights: [SyntheticTensor] {
    channelShapes.map { name, shape in
      SyntheticTensor(key: name, shape: shape) { weights.values(name, shape, .uniform(0.5, 0.5)) }
    }
  }
}
