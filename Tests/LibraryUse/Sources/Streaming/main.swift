// Scores images as they come: Streaming IMAGES STATISTICS
import DisEval

actor Monitor {
  private(set) var images: ImageAccumulator
  init(_ empty: ImageAccumulator) { images = empty }
  func update(_ batch: [Image]) async throws {
    try images.merge(try await images.accumulating(batch))
  }
}
let source = try ImageSource(path: CommandLine.arguments[1])
let reference = try ReferenceStatistics(path: CommandLine.arguments[2])
let monitor = try Monitor(ImageAccumulator(for: reference))
for index in 0..<source.count { try await monitor.update([source.image(at: index)]) }
let result = try await monitor.images.result(against: .statistics(reference))
print(result.metrics[.fid]?.value ?? .nan)
