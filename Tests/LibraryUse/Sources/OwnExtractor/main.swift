// Scores images by an extractor of one's own.
import DisEval

struct Brightness: FeatureExtractor {
  let name = "brightness"
  let featureDimension = 1
  func callAsFunction(_ images: [Image], _: Preparation) -> [ExtractedFeatures] {
    images.map { ExtractedFeatures(features: [Float($0.pixels[0])]) }
  }
}
let empty = try ImageAccumulator(extractor: LoadedExtractor(Brightness()))
func accumulated(_ levels: Range<UInt8>) async throws -> ImageAccumulator {
  try await empty.accumulating(
    levels.map { try Image(pixels: [$0], width: 1, height: 1, channels: 1) })
}
let result = try await accumulated(0..<50).result(against: .images(accumulated(10..<60)))
print(result.metrics[.fid]?.value ?? .nan)
