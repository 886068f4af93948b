import Autoencoder
import Backbones
import CKernels
import Checkpoints
import FeatureExtractors
import Files
import Foundation
import GenerativeMetrics
import Images
import Results
import Tensors
import Work

/// The work that a benchmark can measure.
public enum BenchmarkCase: String, CaseIterable, Sendable {
  /// OpenBLAS's `sgemm` at 1024 x 1024 x 1024, one call per worker in parallel.
  case sgemm
  /// Inception-v3 features of 299 x 299 images.
  case inception
  /// Inception-v3 features in bfloat16.
  case inceptionBF16 = "inception-bf16"
  /// DiS-S/2 without classes on 32 x 32 x 3, with 257 tokens.
  case disS2 = "dis-s2"
  /// DiS-S/2 on 32 x 32 x 3 in bfloat16.
  case disS2BF16 = "dis-s2-bf16"
  /// DiS-S/2 on 64 x 64 x 3, with 1,025 tokens.
  case disS2Tokens1025 = "dis-s2-1025"
  /// DiS-S/2 on 128 x 128 x 3, with 4,097 tokens.
  case disS2Tokens4097 = "dis-s2-4097"
  /// DiS-H/2, of 900 million parameters, on 64 x 64 x 3, with 1,025 tokens.
  case disH2Tokens1025 = "dis-h2-1025"
  /// A transformer in the place of DiS-S/2, with its width and number of blocks, and 257 tokens.
  case transformerS2 = "transformer-s2"
  /// The same transformer with 1,025 tokens.
  case transformerS2Tokens1025 = "transformer-s2-1025"
  /// The same transformer with 4,097 tokens.
  case transformerS2Tokens4097 = "transformer-s2-4097"
  /// DiT-S/2 with 1000 classes on latents of 32 x 32 x 4.
  case ditS2 = "dit-s2"
  /// DiT-B/2 with 1000 classes on latents of 32 x 32 x 4.
  case ditB2 = "dit-b2"
  /// DiT-B/2 in bfloat16.
  case ditB2BF16 = "dit-b2-bf16"
  /// U-ViT-S/2 without classes on 32 x 32 x 3.
  case uvitS2 = "uvit-s2"
  /// DINOv2 ViT-B/14 as EDM2 uses it, on images of 224 x 224.
  case dinov2B = "dinov2-b"
  /// DINOv2 ViT-L/14 as EDM2 uses it, on images of 224 x 224.
  case dinov2L = "dinov2-l"
  /// DINOv2 ViT-L/14 in bfloat16.
  case dinov2LBF16 = "dinov2-l-bf16"
  /// The decoder of Stable Diffusion, to 256 x 256 pixels.
  case decoder256 = "decoder-256"
  /// The same decoder, to 512 x 512 pixels.
  case decoder512 = "decoder-512"
  /// The Fréchet distance of two full-rank Gaussians of 2,048 dimensions, by all workers together.
  case frechet2048 = "frechet-2048"
  /// The interval of such a distance for 50,000 images: the jackknife, and the influence of each image.
  case intervals2048 = "intervals-2048"

  /// The cases that are measured by default.
  public static let usual: [Self] = [.sgemm, .inception, .disS2, .decoder256, .frechet2048]

  /// The unit counted.
  fileprivate var unit: String {
    switch self {
    case .sgemm: "products"
    case .inception, .inceptionBF16, .decoder256, .decoder512, .dinov2B, .dinov2L, .dinov2LBF16:
      "images"
    case .frechet2048: "distances"
    case .intervals2048: "intervals"
    default: "forwards"
    }
  }
}

/// Measures `cases`, with the peak before and after each because the speed of machines varies.
///
/// - Parameters:
///   - cases: The work to measure, in the order of the result.
///   - threads: The number of workers, at least 1; each processes its own images.
///   - seconds: The minimum time in seconds for each measurement, after a warm-up.
///   - reporter: Receives the number of cases measured.
/// - Throws: `Failure` `UnknownKernels` (64) if `DIS_EVAL_KERNELS` does not name an instruction
///   set, `KernelsUnavailable` (69) if this processor lacks it, or `OutOfMemory` (71) if the system
///   does not provide enough memory for the workers.
public func benchmark(
  _ cases: [BenchmarkCase] = BenchmarkCase.usual, threads: Int, seconds: Double = 2,
  reporter: Reporter = .silent
) async throws -> BenchmarkResult {
  try Workload(threads: threads, batch: threads).prepare()
  let bench = Bench(threads: threads, seconds: seconds)
  var measurements: [BenchmarkResult.Measurement] = []
  for (index, measured) in cases.enumerated() {
    reporter.progress(WorkProgress(activity: "benchmark", done: index, total: cases.count))
    measurements.append(try await bench.measure(measured))
  }
  reporter.progress(
    WorkProgress(activity: "benchmark", done: cases.count, total: cases.count))
  return BenchmarkResult(
    kernels: Tool.kernelPath, threads: threads, measurements: measurements)
}

/// The time of one kind of operation of a network, on one thread.
public struct OperationShare: Sendable {
  /// What is computed, such as `3 x 3, 64 to 96, of 35 x 35`.
  public let name: String
  /// The algorithm, such as `winograd`; `pool` for pools.
  public let method: String
  /// How many such operations the network has.
  public let count: Int
  /// The seconds that all of them take for one image.
  public let seconds: Double
  /// The share of the time of all operations, from 0 to 1.
  public let share: Double
  /// Billions of operations per second by the definition; 0 for pools.
  public let gflops: Double
}

/// Measures every operation of Inception-v3 on one thread, in float32.
///
/// - Parameter rounds: How often each runs; the least time counts.
/// - Returns: The kinds of operations, those that take longest first.
/// - Throws: As ``benchmark(_:threads:seconds:reporter:)`` does.
public func inceptionOperations(rounds: Int = 10) throws -> [OperationShare] {
  try Workload(threads: 1, batch: 1).prepare()
  let times = try InceptionV3(WeightReader.madeUp()).operationTimes(rounds: rounds)
  let total = times.reduce(0) { $0 + $1.seconds }
  return times.map {
    OperationShare(
      name: $0.name, method: $0.method, count: $0.count, seconds: $0.seconds,
      share: $0.seconds / total, gflops: $0.operations / $0.seconds / 1e9)
  }
}

private struct Bench {
  let threads: Int
  let seconds: Double

  func measure(_ measured: BenchmarkCase) async throws -> BenchmarkResult.Measurement {
    let work = try prepare(measured)
    try work.body()  // warms up
    let before = try await peak()
    let perSecond =
      measured == .frechet2048 || measured == .intervals2048
      ? try rateAlone(work.body) : try await rate(seconds: seconds, work.body)
    return BenchmarkResult.Measurement(
      name: measured.rawValue, unit: measured.unit, perSecond: Double(work.items) * perSecond,
      gigaOperations: work.gigaOperations, peakGflops: max(before, try await peak()))
  }

  /// The work to measure; one call of `body` processes `items` units.
  private struct Work {
    var items = 1
    var gigaOperations: Double?
    let body: @Sendable () throws -> Void
  }

  private func prepare(
    _ measured: BenchmarkCase
  ) throws -> Work {
    switch measured {
    case .sgemm:
      let (a, b) = (WeightReader.madeUp([1024, 1024]), WeightReader.madeUp([1024, 1024]))
      return Work(gigaOperations: 2 * 1024 * 1024 * 1024 / 1e9) { _ = linear(a, b) }
    case .inception, .inceptionBF16:
      let network = try InceptionV3(
        WeightReader.madeUp(), precision: measured == .inception ? .float32 : .bfloat16)
      let pictures = [Image](repeating: Self.picture(side: 299), count: network.imagesTogether)
      // The operations of the 94 convolutions.
      return Work(items: pictures.count, gigaOperations: 2 * 5.711168096) {
        _ = network(pictures, .pytorch)
      }
    case .disS2: return try forward(side: 32)
    case .disS2BF16: return try forward(side: 32, precision: .bfloat16)
    case .disS2Tokens1025: return try forward(side: 64)
    case .disS2Tokens4097: return try forward(side: 128)
    case .disH2Tokens1025: return try forward("DiS-H/2", side: 64)
    case .transformerS2: return try transformer(side: 32)
    case .transformerS2Tokens1025: return try transformer(side: 64)
    case .transformerS2Tokens4097: return try transformer(side: 128)
    case .ditS2: return try dit("S/2")
    case .ditB2: return try dit("B/2")
    case .ditB2BF16: return try dit("B/2", precision: .bfloat16)
    case .uvitS2:
      return try uvit(UViTConfiguration.size("S/2", side: 32, channels: 3, labelRows: nil))
    case .dinov2B: return try dinov2("b")
    case .dinov2L: return try dinov2("l")
    case .dinov2LBF16: return try dinov2("l", precision: .bfloat16)
    case .decoder256, .decoder512:
      let configuration = DecoderConfiguration.stableDiffusion
      let side = (measured == .decoder256 ? 256 : 512) / configuration.scale
      let decoder = try KLDecoder(configuration, WeightReader.madeUp())
      let latent = WeightReader.madeUp([configuration.latentChannels, side, side])
      return Work(gigaOperations: Double(configuration.operations(latentSide: side)) / 1e9) {
        _ = decoder(latent)
      }
    case .frechet2048:
      let (a, b) = (try Self.gaussian(2048), try Self.gaussian(2048))
      return Work { _ = try frechetDistance(between: a, and: b) }
    case .intervals2048: return try intervals(dimension: 2048, count: 50_000)
    }
  }

  /// Each row is the sum of two of a few, so that all differ without being kept.
  private func intervals(dimension: Int, count: Int) throws -> Work {
    let kept = 4096
    let rows = Self.rows(kept, dimension)
    @Sendable func row(_ index: Int) -> [Float] {
      let start = index % kept * dimension
      let other = (index + 1 + index / kept) * 1237 % kept * dimension
      return (0..<dimension).map { rows[start + $0] + rows[other + $0] }
    }
    var samples = try GaussianAccumulator(dimension: dimension)
    for index in 0..<count { try samples.append(rows: row(index)) }
    let accumulated = samples
    let reference = try FactoredGaussian(Self.gaussian(dimension))
    let value = try frechetDistance(
      between: FactoredGaussian(samples.statistics()), and: reference
    ).value
    return Work {
      _ = try FrechetErrors(of: value, accumulated, from: reference) { $0.flatMap { row($0) } }
    }
  }

  private func dinov2(_ size: String, precision: Precision = .float32) throws -> Work {
    let (network, operations) = try VisionExtractor.madeUpDINOv2(size, precision: precision)
    let pictures = [Image](repeating: Self.picture(side: 224), count: network.imagesTogether)
    return Work(items: pictures.count, gigaOperations: operations / 1e9) {
      _ = network(pictures, .pytorch)
    }
  }

  /// An image of noise.
  private static func picture(side: Int) -> Image {
    var random = SystemRandomNumberGenerator()
    return Image(
      width: side, height: side, channels: 3,
      pixels: (0..<3 * side * side).map { _ in UInt8.random(in: 0...255, using: &random) })
  }

  private func forward(
    _ name: String = "DiS-S/2", side: Int, precision: Precision = .float32
  ) throws -> Work {
    guard
      let configuration = DiSConfiguration.variant(name, side: side, channels: 3, classes: nil)
    else { preconditionFailure("\(name) is a variant of the paper") }
    let model = try DiSModel(configuration, WeightReader.madeUp(), precision: precision)
    return forward(model, operations: configuration.cost.products)
  }

  /// The network of DiS-S/2 with a transformer's blocks instead of its mixers.
  private func transformer(side: Int) throws -> Work {
    let small = DiSConfiguration.small
    var configuration = UViTConfiguration.size("S/2", side: side, channels: 3, labelRows: nil)
    configuration?.width = small.embeddingDimension
    configuration?.hiddenWidth = 4 * small.embeddingDimension
    configuration?.blocksPerHalf = small.blocksPerHalf
    return try uvit(configuration)
  }

  private func uvit(_ configuration: UViTConfiguration?) throws -> Work {
    guard let configuration else { preconditionFailure("a size of the paper") }
    let model = try UViTModel(configuration, process: .continuousVP, WeightReader.madeUp())
    return forward(model, operations: configuration.operations)
  }

  private func dit(_ size: String, precision: Precision = .float32) throws -> Work {
    let found = DiTConfiguration.size(
      size, side: 32, channels: 4, classes: 1000, learnsSigma: true)
    guard let found else { preconditionFailure("\(size) is a size of the paper") }
    let model = try DiTModel(
      found, family: .dit, process: .timesteps, WeightReader.madeUp(), precision: precision)
    return forward(model, operations: found.operations)
  }

  private func forward(_ model: some Backbone, operations: Double) -> Work {
    let noise = WeightReader.madeUp(model.architecture.inputShape)
    let label = model.architecture.nullClass
    return Work(gigaOperations: operations / 1e9) { _ = model(noise, time: 500, label: label) }
  }

  /// Returns billions of operations per second of multiply-adds that access no memory, over all
  /// workers.
  private func peak() async throws -> Double {
    let instructions = dis_instructions_in_use()
    let count = 2_000_000
    let perSecond = try await rate(seconds: 0.2) { _ = dis_multiply_add(instructions, count) }
    return perSecond * Double(count) * Double(dis_multiply_add_operations(instructions)) / 1e9
  }

  /// Returns calls of `body` per second over all workers, measured for at least `seconds`.
  private func rate(
    seconds: Double, _ body: @escaping @Sendable () throws -> Void
  ) async throws -> Double {
    var calls = threads
    while true {
      let start = ContinuousClock.now
      try await forEachInOrder(count: calls, width: threads, inFlight: 2 * threads) { _ in
        try body()
      } consume: { _, _ in
      }
      let elapsed = (ContinuousClock.now - start) / .seconds(1)
      if elapsed >= seconds { return Double(calls) / elapsed }
      calls = max(
        2 * calls, Int(1.2 * seconds * Double(calls) / max(elapsed, 1e-3)) / threads * threads)
    }
  }

  /// Returns calls of `body` per second in sequence, from at least three calls and `seconds`.
  private func rateAlone(_ body: () throws -> Void) throws -> Double {
    let start = ContinuousClock.now
    var calls = 0
    while true {
      try body()
      calls += 1
      let elapsed = (ContinuousClock.now - start) / .seconds(1)
      if calls >= 3 && elapsed >= seconds { return Double(calls) / elapsed }
    }
  }

  /// Returns the statistics of random rows, twice as many as dimensions, with variances from 1 to
  /// 1e-6, similar to those of a network's features.
  private static func gaussian(_ dimension: Int) throws -> GaussianStatistics {
    var accumulator = try GaussianAccumulator(dimension: dimension)
    try accumulator.append(rows: rows(2 * dimension, dimension))
    return try accumulator.statistics()
  }

  private static func rows(_ count: Int, _ dimension: Int) -> [Float] {
    let rows = WeightReader.madeUp([128, dimension]).values
    let deviations = (0..<dimension).map { Float(pow(10, -3 * Double($0) / Double(dimension))) }
    var random = SystemRandomNumberGenerator()
    return (0..<count / 128).flatMap { _ in
      let start = Int.random(in: 0..<rows.count, using: &random)
      let shifted = Array(rows[start...] + rows[..<start])
      return shifted.indices.map { shifted[$0] * deviations[$0 % dimension] }
    }
  }
}
