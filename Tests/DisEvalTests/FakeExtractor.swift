import DisEval
import FeatureExtractors
import Features
import Files
import Images
import Tensors
import Work
import _TestSupport

/// An extractor whose two features are the first two bytes of an image, as numbers.
struct FakeExtractor: FeatureExtractor {
  let name = "fake"
  let featureDimension = 2
  let classCount = 2
  let spatialDimension = 0
  let ownPreparation: String? = "the first two bytes"
  var imagesTogether = 1

  func callAsFunction(_ images: [Image], _ preparation: Preparation) throws -> [ExtractedFeatures] {
    images.map { image in
      let values = image.pixels.prefix(2).map { Float($0) }
      return ExtractedFeatures(features: values, logits: [values[0] / 256, 0])
    }
  }
}

/// Grey images of two pixels.
func twoPixelImages(_ values: [[UInt8]]) -> [Image] {
  values.map { Image(width: 2, height: 1, channels: 1, pixels: $0) }
}

/// The features of grey images of two pixels.
func collected(
  _ values: [[UInt8]], threads: Int = 1, batch: Int = 4, together: Int = 1,
  demand: FeatureDemand = FeatureDemand(preparation: .pytorch),
  consume: (CollectedImage) throws -> Void = { _ in }
) async throws -> FeatureCollection {
  let images = twoPixelImages(values)
  let collector = FeatureCollector(
    extractor: FakeExtractor(imagesTogether: together), demands: [demand],
    workload: Workload(threads: threads, batch: batch), reporter: .silent)
  return try await collector.collect(
    ImageSupply(count: images.count, activity: "test") { (images[$0], $0 % 3) }, consume: consume)
}
