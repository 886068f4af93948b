import DisEval
import FeatureExtractors
import Features
import Files
import Foundation
import GenerativeMetrics
import Images
import References
import Results
import Sampling
import Testing
import Work
import _TestSupport

/// An extractor with the name of Inception whose two features are the means of the first two channels.
private struct ColorMeans: FeatureExtractor {
  let name = "inception-2015"
  let featureDimension = 2
  let ownPreparation: String? = "means of two channels"

  func callAsFunction(_ images: [Image], _ preparation: Preparation) -> [ExtractedFeatures] {
    images.map { image in
      ExtractedFeatures(
        features: (0..<2).map { channel in
          let values = stride(from: channel, to: image.pixels.count, by: image.channels)
            .map { Float(image.pixels[$0]) }
          return values.reduce(0, +) / Float(values.count)
        })
    }
  }
}

@Suite("Decoded images and their originals, as files") struct ReconstructionTests {
  /// A folder with a folder of decoded images and one of originals.
  private struct Folders {
    let folder: TemporaryFolder
    var decoded: String { folder.path("decoded") }
    var originals: String { folder.path("originals") }

    init() throws {
      folder = try TemporaryFolder()
      for path in [decoded, originals] {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      }
    }

    /// Writes an image as a PPM or PGM file.
    func write(_ image: Image, _ path: String) throws {
      let head = "P\(image.channels == 3 ? 6 : 5)\n\(image.width) \(image.height)\n255\n"
      try Data(Array(head.utf8) + image.pixels).write(to: URL(filePath: path))
    }

    /// Writes pairs with noise of one more step each, and returns them. Pair `equal` has none.
    func fill(_ count: Int, side: Int = 16, equal: Int? = nil) throws -> [(Image, Image)] {
      try (0..<count).map { index in
        var random = SeededGenerator(seed: UInt64(index + 1))
        let original = (0..<3 * side * side).map { _ in UInt8(random.next() >> 57) + 60 }
        let amount = index == equal ? 0 : index + 1
        let changed = original.enumerated().map { place, value in
          place.isMultiple(of: 2) ? value + UInt8(amount) : value - UInt8(amount)
        }
        let images = (
          try Image(pixels: changed, width: side, height: side),
          try Image(pixels: original, width: side, height: side)
        )
        let name = "image-\(String(format: "%03d", index))"
        try write(images.0, "\(decoded)/\(name).ppm")
        try write(images.1, "\(originals)/\(name).pnm")
        return images
      }
    }

    func reconstruction(
      _ metrics: Set<ReconstructionMetric>? = [.signalToNoise, .similarity], threads: Int = 2
    ) -> Reconstruction {
      var reconstruction = Reconstruction(
        images: decoded, reference: originals, workload: Workload(threads: threads, batch: 4))
      reconstruction.metrics = metrics
      return reconstruction
    }
  }

  private func failure(_ body: () async throws -> some Any) async -> Failure? {
    do {
      _ = try await body()
      return nil
    } catch {
      return error as? Failure
    }
  }

  private static func pixels(_ pair: (Image, Image)) throws -> PixelPair {
    try PixelPair(
      decoded: pair.0.pixels, original: pair.1.pixels, width: pair.0.width, height: pair.0.height,
      channels: pair.0.channels)
  }

  // MARK: Pairs

  @Test func meansAndIntervals() async throws {
    let folders = try Folders()
    let pairs = try folders.fill(7)
    let result = try await folders.reconstruction().run()
    let ratios = try pairs.map { try Self.pixels($0).peakSignalToNoiseRatio() }
    let likenesses = try pairs.map { try Self.pixels($0).structuralSimilarity() }
    for (name, values) in [("psnr", ratios), ("ssim", likenesses)] {
      let metric = try #require(result.metrics[name])
      let mean = values.reduce(0, +) / 7
      let deviation = (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 6).squareRoot()
      // Student's t with 6 degrees of freedom.
      let margin = 2.446911851144969 * deviation / 7.0.squareRoot()
      #expect(abs(metric.value - mean) < 1e-12, "\(name)")
      #expect(abs((metric.standardDeviation ?? 0) - deviation) < 1e-12)
      let interval = try #require(metric.interval)
      #expect(abs(interval.lowerBound - (mean - margin)) < 1e-9, "\(name)")
      #expect(
        abs(interval.upperBound - (name == "ssim" ? min(1, mean + margin) : mean + margin)) < 1e-9)
      #expect(metric.confidence == 0.95 && metric.higherIsBetter)
    }
    #expect(result.worstBy == "psnr" && result.equalPairs == 0)
    #expect(result.worst.map(\.name) == (0..<7).reversed().map { "image-00\($0).ppm" })
    #expect(result.worst.first?.psnr == ratios[6] && result.worst.first?.lpips == nil)
    #expect(result.provenance.num == 7 && result.provenance.protocol == "rae")
    #expect(result.provenance.images.file == "decoded" && result.provenance.extractor == nil)
    #expect(result.samplesSha256 == result.provenance.images.sha256)
    #expect(result.samplesSha256 != result.provenance.reference.sha256)
    #expect(try violation(of: result.json(), by: .reconstruction) == nil)

    let path = folders.folder.path("result.json")
    try Data(result.json()).write(to: URL(filePath: path))
    let read = try ReconstructionResult(contentsOf: path)
    #expect(try read.json() == result.json())
    try Data(result.json().dropLast(20)).write(to: URL(filePath: path))
    let broken = await failure { try ReconstructionResult(contentsOf: path) }
    #expect(broken?.code == .resultInvalid)
  }

  @Test func threadsChangeNothing() async throws {
    let folders = try Folders()
    _ = try folders.fill(9)
    var results = [
      try await folders.reconstruction(threads: 1).run(),
      try await folders.reconstruction(threads: 3).run(),
    ]
    for index in results.indices { results[index].run = results[0].run }
    #expect(try results[0].json() == results[1].json())
  }

  @Test func worstPairsAreLimited() async throws {
    let folders = try Folders()
    _ = try folders.fill(5)
    var reconstruction = folders.reconstruction([.similarity])
    reconstruction.worstCount = 2
    let result = try await reconstruction.run()
    #expect(result.worst.map(\.name) == ["image-004.ppm", "image-003.ppm"])
    #expect(result.worstBy == "ssim" && result.worst[0].psnr == nil)
    reconstruction.worstCount = 0
    #expect(try await reconstruction.run().worst.isEmpty)
    reconstruction.worstCount = 10_001
    let found = await failure { try await reconstruction.run() }
    #expect(found?.code == .settingOutOfRange && found?.status == .usage)
  }

  @Test func protocolsTreatEqualPairsDifferently() async throws {
    let folders = try Folders()
    let pairs = try folders.fill(4, equal: 2)
    let ratios = try [0, 1, 3].map { try Self.pixels(pairs[$0]).peakSignalToNoiseRatio() }
    var reconstruction = folders.reconstruction()
    let rae = try await reconstruction.run()
    #expect(rae.equalPairs == 1)
    #expect(
      abs((rae.metrics["psnr"]?.value ?? 0) - (ratios.reduce(0, +) + 100) / 4) < 1e-12)
    #expect(rae.provenance.warnings.contains { $0.contains("1 of 4 pairs are equal") })
    #expect(rae.worst.last?.psnr == 100)

    reconstruction.rules = .lightningDiT
    let other = try await reconstruction.run()
    #expect(other.metrics["psnr"] == nil)
    let reason = try #require(other.skipped["psnr"])
    #expect(reason.contains("1 of 4 pairs are equal") && reason.contains("infinite"))
    #expect(reason.contains(sixDigits(ratios.reduce(0, +) / 3)))
    #expect(other.worst.last?.psnr == nil && other.worst.last?.ssim == 1)
    let likeness = try pairs.map { try Self.pixels($0).structuralSimilarity(.symmetric) }
    #expect(
      abs((other.metrics["ssim"]?.value ?? 0) - likeness.reduce(0, +) / 4) < 1e-12)
    #expect(try violation(of: other.json(), by: .reconstruction) == nil)
  }

  @Test func aSinglePairHasNoInterval() async throws {
    let folders = try Folders()
    _ = try folders.fill(1)
    let result = try await folders.reconstruction().run()
    #expect(result.metrics["psnr"]?.interval == nil)
    #expect(result.metrics["psnr"]?.intervalReason?.contains("single pair") == true)
    #expect(try violation(of: result.json(), by: .reconstruction) == nil)
  }

  @Test func arraysArePairedByPosition() async throws {
    let folders = try Folders()
    let pairs = try folders.fill(3)
    let files = try await folders.reconstruction().run()
    var reconstruction = folders.reconstruction()
    for (path, images) in [
      (\Reconstruction.images, pairs.map(\.0)), (\Reconstruction.reference, pairs.map(\.1)),
    ] as [(WritableKeyPath<Reconstruction, String>, [Image])] {
      let file = folders.folder.path("\(images[0].pixels[0]).npz")
      let output = try ImageOutput(path: file, count: images.count)
      for image in images { try output.append(image, label: nil) }
      try output.finish()
      reconstruction[keyPath: path] = file
    }
    let arrays = try await reconstruction.run()
    #expect(arrays.metrics["psnr"]?.value == files.metrics["psnr"]?.value)
    #expect(arrays.samplesSha256 == files.samplesSha256)
    #expect(arrays.worst.first?.name == "2")

    reconstruction.reference = folders.originals
    let mixed = await failure { try await reconstruction.run() }
    #expect(mixed?.code == .pairsAmbiguous && mixed?.status == .dataRefused)

    let short = folders.folder.path("short.npz")
    let output = try ImageOutput(path: short, count: 2)
    for pair in pairs.prefix(2) { try output.append(pair.1, label: nil) }
    try output.finish()
    reconstruction.reference = short
    let fewer = await failure { try await reconstruction.run() }
    #expect(fewer?.code == .pairsMissing && fewer?.detail.contains("3 images and 2") == true)
  }

  @Test func greyAndColoredArePaired() async throws {
    let folders = try Folders()
    let grey = try Image(
      pixels: (0..<256).map { UInt8($0) }, width: 16, height: 16, channels: 1)
    let colored = try Image(
      pixels: grey.pixels.flatMap { [$0, $0, $0] }, width: 16, height: 16)
    try folders.write(grey, folders.decoded + "/a.pgm")
    try folders.write(colored, folders.originals + "/a.ppm")
    #expect(try await folders.reconstruction().run().equalPairs == 1)
  }

  @Test func originalsAreCropped() async throws {
    let folders = try Folders()
    var random = SeededGenerator(seed: 5)
    let wide = try Image(
      pixels: (0..<3 * 40 * 33).map { _ in UInt8(random.next() >> 56) }, width: 40, height: 33)
    try folders.write(wide, folders.originals + "/a.ppm")
    try folders.write(ImageCrop.adm(side: 16)(wide), folders.decoded + "/a.ppm")
    var reconstruction = folders.reconstruction()
    let found = await failure { try await reconstruction.run() }
    #expect(found?.code == .imageMismatch && found?.subject == "a.ppm")
    #expect(
      found?.detail.contains("16 x 16") == true && found?.detail.contains("40 x 33") == true)
    reconstruction.crop = .adm(side: 16)
    let result = try await reconstruction.run()
    #expect(result.equalPairs == 1 && result.provenance.crop == "adm 16")
  }

  // MARK: Refusals

  @Test func missingPartnersAreNamed() async throws {
    let folders = try Folders()
    _ = try folders.fill(14)
    for index in 0..<12 {
      let name = "image-\(String(format: "%03d", index)).pnm"
      try FileManager.default.removeItem(atPath: folders.originals + "/" + name)
    }
    try FileManager.default.removeItem(atPath: folders.decoded + "/image-013.ppm")
    let found = await failure { try await folders.reconstruction().run() }
    #expect(found?.code == .pairsMissing && found?.status == .dataRefused)
    let detail = found?.detail ?? ""
    for part in [
      "12 of 13 decoded images have no original: image-000.ppm, image-001.ppm",
      "image-009.ppm, ...",
      "1 of 2 originals have no decoded image: image-013.pnm",
    ] { #expect(detail.contains(part), "\(detail)") }
    #expect(!detail.contains("image-010"))
  }

  @Test func namesMustDecide() async throws {
    let folders = try Folders()
    let pairs = try folders.fill(2)
    try folders.write(pairs[0].0, folders.decoded + "/image-001.pnm")
    let found = await failure { try await folders.reconstruction().run() }
    #expect(found?.code == .pairsAmbiguous)
    #expect(found?.detail.contains("'image-001.pnm' and 'image-001.ppm'") == true)
  }

  @Test func subfoldersAreParts() async throws {
    let folders = try Folders()
    for side in [folders.decoded, folders.originals] {
      for name in ["x", "y"] {
        try FileManager.default.createDirectory(
          atPath: "\(side)/\(name)", withIntermediateDirectories: true)
        try folders.write(
          Image(
            pixels: [UInt8](repeating: name == "x" ? 10 : 90, count: 768), width: 16, height: 16),
          "\(side)/\(name)/same.ppm")
      }
    }
    var reconstruction = folders.reconstruction()
    reconstruction.recursive = true
    let result = try await reconstruction.run()
    #expect(result.provenance.num == 2 && result.equalPairs == 2)
  }

  @Test func aPairOfOtherSizeIsNamed() async throws {
    let folders = try Folders()
    _ = try folders.fill(5)
    try folders.write(
      Image(pixels: [UInt8](repeating: 0, count: 3 * 15 * 16), width: 15, height: 16),
      folders.decoded + "/image-003.ppm")
    let found = await failure { try await folders.reconstruction().run() }
    #expect(found?.code == .imageMismatch && found?.subject == "image-003.ppm")
  }

  @Test func tooSmallForSimilarity() async throws {
    let folders = try Folders()
    _ = try folders.fill(1, side: 5)
    let found = await failure { try await folders.reconstruction().run() }
    #expect(found?.code == .imageMismatch && found?.detail.contains("SSIM") == true)
    #expect(try await folders.reconstruction([.signalToNoise]).run().metrics.count == 1)
  }

  @Test func brokenImagesAreNamed() async throws {
    let folders = try Folders()
    _ = try folders.fill(4)
    for name in ["image-001.ppm", "image-002.ppm"] {
      try Data("P6\n16 16\n255\n".utf8).write(to: URL(filePath: folders.decoded + "/" + name))
    }
    let found = await failure { try await folders.reconstruction().run() }
    #expect(found?.status == .dataRefused)
    #expect(found?.detail.contains("2 of 4 images cannot be decoded") == true)
  }

  @Test func statisticsAreRefused() async throws {
    let folders = try Folders()
    _ = try folders.fill(2)
    let statistics = Goldens(Bundle.module).path("edm.npz")
    for path in [statistics, "imagenet-256-adm"] {
      var reconstruction = folders.reconstruction()
      reconstruction.reference = path
      let found = await failure { try await reconstruction.run() }
      #expect(found?.code == .imagesNeeded && found?.status == .dataRefused, "\(found as Any)")
      #expect(found?.detail.contains("must not be compared") == true)
      swap(&reconstruction.images, &reconstruction.reference)
      #expect(await failure { try await reconstruction.run() }?.code == .imagesNeeded)
    }
  }

  @Test func metricsOfOtherProtocols() async throws {
    let folders = try Folders()
    _ = try folders.fill(2)
    var reconstruction = folders.reconstruction()
    reconstruction.rules = .tokenizer
    let found = await failure { try await reconstruction.run() }
    #expect(found?.code == .metricUnavailable && found?.status == .usage)
    #expect(found?.detail.contains("does not compute psnr, ssim; it computes rfid") == true)
    reconstruction.metrics = []
    #expect(await failure { try await reconstruction.run() }?.status == .usage)
  }

  // MARK: LPIPS

  /// The distance with synthetic weights, those of VGG16 multiplied by a number.
  private static func perceptual(scale: Float = 1) throws -> LoadedPerceptualDistance {
    let folder = try TemporaryFolder()
    let paths = (folder.path("vgg16.safetensors"), folder.path("lpips.safetensors"))
    let network = SyntheticPerceptual.network.map { tensor in
      SyntheticTensor(key: tensor.key, shape: tensor.shape) { tensor.values().map { scale * $0 } }
    }
    try writeSafetensors(network, to: URL(filePath: paths.0))
    try writeSafetensors(SyntheticPerceptual.channelWeights, to: URL(filePath: paths.1))
    return try LoadedPerceptualDistance(network: paths.0, channelWeights: paths.1)
  }

  @Test func perceptualDistances() async throws {
    let folders = try Folders()
    let pairs = try folders.fill(4, equal: 1)
    let loaded = try Self.perceptual()
    var reconstruction = folders.reconstruction([.perceptualDistance, .signalToNoise])
    reconstruction.networks = (nil, loaded)
    let result = try await reconstruction.run()
    let distances = try pairs.map { try loaded.distance($0.0, $0.1) }
    let metric = try #require(result.metrics["lpips"])
    #expect(abs(metric.value - distances.reduce(0, +) / 4) < 1e-15 && !metric.higherIsBetter)
    #expect(metric.interval?.lowerBound ?? -1 >= 0)
    #expect(result.worstBy == "lpips" && result.worst.map(\.lpips) == distances.sorted(by: >))
    #expect(result.worst.last?.name == "image-001.ppm" && result.worst.last?.lpips == 0)
    #expect(result.provenance.perceptual == loaded.provenance)
    #expect(result.provenance.warnings.count { $0.contains("LPIPS is not comparable") } == 2)
    #expect(try violation(of: result.json(), by: .reconstruction) == nil)

    reconstruction.networks = (nil, try Self.perceptual(scale: 1e12))
    let found = await failure { try await reconstruction.run() }
    #expect(found?.code == .featuresInvalid && found?.status == .dataRefused)
  }

  @Test func tooSmallForPerceptualDistance() async throws {
    let folders = try Folders()
    _ = try folders.fill(1, side: 15)
    var reconstruction = folders.reconstruction([.perceptualDistance])
    reconstruction.networks = (nil, try Self.perceptual())
    let found = await failure { try await reconstruction.run() }
    #expect(found?.code == .imageMismatch && found?.subject == "image-000.ppm")
    #expect(found?.detail.contains("LPIPS") == true)
  }

  // MARK: rFID

  @Test func theDistanceOfTheSets() async throws {
    let folders = try Folders()
    let pairs = try folders.fill(60)
    var reconstruction = folders.reconstruction([.distance])
    reconstruction.networks = (LoadedExtractor(ColorMeans()), nil)
    let result = try await reconstruction.run()
    func accumulated(_ images: [Image]) throws -> GaussianAccumulator {
      var accumulator = try GaussianAccumulator(dimension: 2)
      for features in ColorMeans()(images, .pytorch) {
        try accumulator.append(rows: features.features)
      }
      return accumulator
    }
    let (own, other) = (
      try accumulated(pairs.map(\.0)), try accumulated(pairs.map(\.1))
    )
    let expected = try frechetDistance(
      between: own.statistics(mean: .float32), and: other.statistics(mean: .float32)
    ).value
    let metric = try #require(result.metrics["rfid"])
    #expect(abs(metric.value - expected) < 1e-9)
    let rows = (ColorMeans()(pairs.map(\.0), .pytorch), ColorMeans()(pairs.map(\.1), .pytorch))
    let jackknife = try Jackknife.ofPairedDistance(
      expected, between: own, and: other, mean: .float32
    ) { (rows.0[$0].features, rows.1[$0].features) }
    #expect(abs((metric.standardError ?? 0) - jackknife.standardError) < 1e-9)
    #expect(metric.interval?.contains(metric.value) == true && metric.confidence == 0.95)
    #expect(!metric.higherIsBetter && metric.standardDeviation == nil)
    #expect(result.provenance.dialect == "torch-fidelity" && result.worstBy == nil)
    #expect(result.provenance.extractor?.preprocessing == "means of two channels")
    #expect(result.provenance.warnings.contains { $0.contains("rFID is not comparable") })
    #expect(try violation(of: result.json(), by: .reconstruction) == nil)
  }

  @Test func fewPairsHaveNoInterval() async throws {
    let folders = try Folders()
    _ = try folders.fill(3)
    var reconstruction = folders.reconstruction([.distance])
    reconstruction.networks = (LoadedExtractor(ColorMeans()), nil)
    let few = try await reconstruction.run()
    #expect(few.metrics["rfid"]?.intervalReason?.contains("3 samples") == true)
    for name in ["image-001.ppm", "image-002.ppm"] {
      try FileManager.default.removeItem(atPath: folders.decoded + "/" + name)
      try FileManager.default.removeItem(
        atPath: folders.originals + "/" + stem(name) + ".pnm")
    }
    let found = await failure { try await reconstruction.run() }
    #expect(found?.code == .tooFewSamples)
  }

  @Test func onlyInceptionGivesIt() async throws {
    let folders = try Folders()
    _ = try folders.fill(2)
    var reconstruction = folders.reconstruction([.distance])
    reconstruction.networks = (LoadedExtractor(FakeExtractor()), nil)
    let found = await failure { try await reconstruction.run() }
    #expect(found?.code == .extractorMismatch && found?.detail.contains("inception-2015") == true)
  }
}
