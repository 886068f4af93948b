import DisEval
import FeatureExtractors
import Files
import Foundation
import Images
import References
import Results
import Testing
import Work
import _TestSupport

/// An extractor that says one thing and does another.
private struct BrokenExtractor: FeatureExtractor {
  let name = "broken"
  let featureDimension = 2
  let classCount = 0
  let spatialDimension = 0
  let ownPreparation: String? = "none"
  let features: [Float]

  func callAsFunction(_ images: [Image], _ preparation: Preparation) -> [ExtractedFeatures] {
    images.map { _ in ExtractedFeatures(features: features, logits: []) }
  }
}

/// An extractor that announces impossible lengths, or returns results for a different number of images.
private struct ImpossibleExtractor: FeatureExtractor {
  let name = "impossible"
  var featureDimension = 1
  var classCount = 0
  var spatialDimension = 0
  var imagesTogether = 1
  var results = 1

  func callAsFunction(_ images: [Image], _ preparation: Preparation) -> [ExtractedFeatures] {
    [ExtractedFeatures](repeating: ExtractedFeatures(features: [1]), count: results)
  }
}

@Suite("Images in memory") struct ImageAccumulatorTests {
  private static let extractor = LoadedExtractor(FakeExtractor())
  private static let values: [[UInt8]] = (0..<97).map { (i: Int) in
    [UInt8(i * 7 % 256), UInt8(i * 31 % 256)]
  }

  private func accumulator(
    _ values: [[UInt8]] = [], name: String = "images", threads: Int = 2, batch: Int = 4
  ) async throws -> ImageAccumulator {
    var images = try ImageAccumulator(
      extractor: Self.extractor, metrics: Set(MetricName.allCases), name: name,
      workload: Workload(threads: threads, batch: batch))
    try await images.append(contentsOf: twoPixelImages(values))
    return images
  }

  /// What must not depend on how images were added.
  private func document(_ result: EvaluationResult) throws -> String {
    var result = result
    result.run = EvaluationResult.Run(
      arguments: [], request: nil, threads: 1, batch: 1, started: "", seconds: 0, host: "")
    return String(decoding: try result.json(), as: UTF8.self)
  }

  /// The corners of a square and of the same square 3 to the right and 4 up: the covariances are
  /// equal, so the distance is 3² + 4².
  @Test func distanceByHand() async throws {
    let square: [[UInt8]] = [[0, 0], [2, 0], [0, 2], [2, 2]]
    let images = try await accumulator(square)
    let reference = try await accumulator(square.map { [$0[0] + 3, $0[1] + 4] }, name: "others")
    let result = try await images.result(against: .images(reference))
    let metric = try #require(result.metrics[.fid])
    // Each of four terms is below 100; every operation rounds once.
    #expect(abs(metric.value - 25) <= 1e-12)
    #expect(result.metrics["fd"] != nil && result.metrics["fid"] == nil)
    #expect(result.provenance.num == 4 && result.provenance.images == "images")
    #expect(result.provenance.extractor.name == "fake")
    #expect(result.provenance.reference.file == "others" && result.provenance.reference.count == 4)
    #expect(result.run.request == nil)
  }

  @Test("however images are added, the result is the same", arguments: [1, 2, 3, 16])
  func divisions(parts: Int) async throws {
    let reference = try await accumulator((0..<60).map { [UInt8($0), UInt8(2 * $0 + 5)] })
    let whole = try await accumulator(Self.values)
    let expected = try document(await whole.result(against: .images(reference)))

    let size = (Self.values.count + parts - 1) / parts
    let pieces = stride(from: 0, to: Self.values.count, by: size).map {
      Array(Self.values[$0..<min($0 + size, Self.values.count)])
    }
    let merged = try await withThrowingTaskGroup(of: (Int, ImageAccumulator).self) { group in
      for (index, piece) in pieces.enumerated() {
        group.addTask {
          (index, try await accumulator(piece, threads: 1 + index % 3, batch: 1 + index % 5))
        }
      }
      var made: [Int: ImageAccumulator] = [:]
      for try await (index, images) in group { made[index] = images }
      var merged = try await accumulator()
      for index in pieces.indices { try merged.merge(#require(made[index])) }
      return merged
    }
    #expect(merged.count == Self.values.count)
    #expect(try document(await merged.result(against: .images(reference))) == expected)

    var single = try await accumulator()
    for image in twoPixelImages(Self.values) { try single.append(image) }
    #expect(try document(await single.result(against: .images(reference))) == expected)

    var streamed = try await accumulator()
    try await streamed.append(
      contentsOf: AsyncThrowingStream { continuation in
        for image in twoPixelImages(Self.values) { continuation.yield(image) }
        continuation.finish()
      })
    #expect(try document(await streamed.result(against: .images(reference))) == expected)
  }

  @Test func copiesAreIndependent() async throws {
    let first = try await accumulator([[1, 2], [3, 4]])
    var (left, right) = (first, first)
    try left.append(twoPixelImages([[5, 6]])[0])
    try right.append(twoPixelImages([[9, 1]])[0])
    try await left.append(contentsOf: twoPixelImages([[7, 8]]))
    let reference = try await accumulator([[0, 0], [1, 0], [5, 5]])
    for (found, values) in [
      (first, [[1, 2], [3, 4]]), (left, [[1, 2], [3, 4], [5, 6], [7, 8]]),
      (right, [[1, 2], [3, 4], [9, 1]]),
    ] as [(ImageAccumulator, [[UInt8]])] {
      let expected = try await accumulator(values).result(against: .images(reference))
      #expect(try document(await found.result(against: .images(reference))) == document(expected))
    }
  }

  @Test func aFileIsReadBack() async throws {
    let folder = try TemporaryFolder()
    let path = folder.path("images.safetensors")
    let written = try await accumulator(Self.values)
    try written.write(to: path)
    func read() throws -> ImageAccumulator {
      try ImageAccumulator(
        contentsOf: path, extractor: Self.extractor, metrics: Set(MetricName.allCases))
    }
    let reference = try await accumulator((0..<60).map { [UInt8($0), UInt8(2 * $0 + 5)] })
    #expect(
      try document(await read().result(against: .images(reference)))
        == document(await written.result(against: .images(reference))))

    // White space in the header may change without changing anything that is said.
    let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    let expected = try document(await written.result(against: .images(reference)))
    let header =
      8 + bytes.prefix(8).enumerated().reduce(0) { $0 + Int($1.element) << (8 * $1.offset) }
    let positions = Array(0..<header) + (0..<100).map { _ in Int.random(in: header..<bytes.count) }
    for position in positions {
      var broken = bytes
      broken[position] ^= UInt8.random(in: 1...255)
      try broken.write(to: URL(fileURLWithPath: path))
      let found: ImageAccumulator
      do {
        found = try read()
      } catch {
        #expect(error is Failure, "byte \(position) is \(broken[position]): \(error)")
        continue
      }
      let result = try document(await found.result(against: .images(reference)))
      #expect(result == expected, "byte \(position) is \(broken[position])")
    }
    for length in [0, 7, 200, bytes.count - 1] {
      try bytes.prefix(length).write(to: URL(fileURLWithPath: path))
      #expect(throws: Failure.self) { _ = try read() }
    }
  }

  @Test func aFileOfAnotherExtractorOrDialectIsRefused() async throws {
    let folder = try TemporaryFolder()
    let path = folder.path("images.safetensors")
    try await accumulator(Self.values).write(to: path)
    let other = LoadedExtractor(FakeExtractor(), sha256: String(repeating: "a", count: 64))
    let failure = #expect(throws: Failure.self) {
      _ = try ImageAccumulator(
        contentsOf: path, extractor: other, metrics: Set(MetricName.allCases))
    }
    #expect(failure?.code == .extractorMismatch)
    let statistics = #expect(throws: Failure.self) {
      _ = try ImageAccumulator(contentsOf: "Package.swift", extractor: other)
    }
    #expect(statistics != nil)
  }

  @Test func whatDoesNotFitIsRefused() async throws {
    let two = try await accumulator([[1, 2], [3, 4]])
    for values in [[], [[1, 2]]] as [[[UInt8]]] {
      let few = try await accumulator(values)
      let failure = await #expect(throws: Failure.self) {
        _ = try await few.result(against: .images(two))
      }
      #expect(failure?.code == .tooFewSamples)
    }
    let hashed = LoadedExtractor(FakeExtractor(), sha256: String(repeating: "a", count: 64))
    var other = try ImageAccumulator(extractor: hashed, metrics: Set(MetricName.allCases))
    try await other.append(contentsOf: twoPixelImages([[1, 2], [3, 4]]))
    var third = try ImageAccumulator(
      extractor: LoadedExtractor(FakeExtractor(), sha256: String(repeating: "b", count: 64)),
      metrics: Set(MetricName.allCases))
    let merged = #expect(throws: Failure.self) { try third.merge(other) }
    #expect(merged?.code == .extractorMismatch)
    let (left, right) = (third, other)
    try await third.append(contentsOf: twoPixelImages([[1, 2], [3, 4]]))
    #expect(left.count == 0 && right.count == 2)
    let filled = third
    let compared = await #expect(throws: Failure.self) {
      _ = try await filled.result(against: .images(right))
    }
    #expect(compared?.code == .extractorMismatch)

    for features in [[], [1], [1, 2, 3], [1, .nan], [.infinity, 0]] as [[Float]] {
      var images = try ImageAccumulator(
        extractor: LoadedExtractor(BrokenExtractor(features: features)))
      let failure = #expect(throws: Failure.self) {
        try images.append(twoPixelImages([[1, 2]])[0])
      }
      #expect(failure?.code == .featuresInvalid && images.count == 0)
    }
  }

  @Test func impossibleExtractorsAreRefused() throws {
    for extractor in [
      ImpossibleExtractor(featureDimension: -1), ImpossibleExtractor(featureDimension: 0),
      ImpossibleExtractor(featureDimension: 1 << 40), ImpossibleExtractor(classCount: -1),
      ImpossibleExtractor(spatialDimension: .min), ImpossibleExtractor(imagesTogether: 0),
    ] {
      let failure = #expect(throws: Failure.self) {
        _ = try ImageAccumulator(extractor: LoadedExtractor(extractor))
      }
      #expect(failure?.code == .featuresInvalid)
    }
    for results in [0, 2] {
      var images = try ImageAccumulator(
        extractor: LoadedExtractor(ImpossibleExtractor(results: results)))
      let failure = #expect(throws: Failure.self) {
        try images.append(twoPixelImages([[1, 2]])[0])
      }
      #expect(failure?.code == .featuresInvalid && images.count == 0)
    }
  }

  /// An actor merges what it accumulated aside.
  @Test func imagesAccumulatedAsideAreMerged() async throws {
    let reference = try await accumulator((0..<60).map { [UInt8($0), UInt8(2 * $0 + 5)] })
    var images = try await accumulator(Array(Self.values[..<40]))
    try images.merge(try await images.accumulating(twoPixelImages(Array(Self.values[40..<41]))))
    let rest = AsyncThrowingStream { continuation in
      for image in twoPixelImages(Array(Self.values[41...])) { continuation.yield(image) }
      continuation.finish()
    }
    try images.merge(try await images.accumulating(rest))
    let whole = try await accumulator(Self.values)
    #expect(
      try document(await images.result(against: .images(reference)))
        == document(await whole.result(against: .images(reference))))
  }

  @Test(arguments: [(0, 0, 3, 0), (1, 1, 3, 4), (2, 2, 2, 8), (-1, 4, 1, 4), (1 << 40, 1, 1, 1)])
  func imagesOfImpossibleExtentsAreRefused(width: Int, height: Int, channels: Int, bytes: Int) {
    let failure = #expect(throws: Failure.self) {
      _ = try Image(
        pixels: [UInt8](repeating: 0, count: bytes), width: width, height: height,
        channels: channels)
    }
    #expect(failure?.code == .imageInvalid && failure?.status == .dataRefused)
  }
}
