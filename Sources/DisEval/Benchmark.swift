import Checkpoints
import DiS
import FeatureExtractors
import Files
import Foundation
import GenerativeMetrics
import Images
import Tensors

/// How fast this machine runs the networks and the distance, beside its own matrix product.
///
/// Networks have made-up weights of their true shapes: speed does not depend on the values.
public struct BenchmarkResult: Codable, Sendable {
  /// Name and version of this form.
  public var schema = "dis-eval-benchmark/1"
  /// Instruction set and library.
  public var kernels: String
  /// Workers.
  public var threads: Int
  /// OpenBLAS's `sgemm` at 1024 x 1024 x 1024, one call per worker side by side.
  public var sgemm: Rate
  /// Inception-v3 features of 299 x 299 images.
  public var inception: Images
  /// DiS-S/2 on 32 x 32 x 3.
  public var disS2: Forwards
  /// The Fréchet distance of two full-rank Gaussians of 2048 dimensions.
  public var frechet2048: Duration

  /// Arithmetic per second.
  public struct Rate: Codable, Sendable {
    /// Billions of operations per second, a multiply-add counted as two.
    public var gflops: Double
  }

  /// Images per second.
  public struct Images: Codable, Sendable {
    /// Over all workers.
    public var imagesPerSecond: Double
    /// Operations of the convolutions as a share of the sgemm rate.
    public var shareOfSgemm: Double
  }

  /// Forward passes per second.
  public struct Forwards: Codable, Sendable {
    /// Over all workers.
    public var forwardsPerSecond: Double
    /// Operations of the matrix products alone as a share of the sgemm rate.
    public var shareOfSgemm: Double
  }

  /// A time.
  public struct Duration: Codable, Sendable {
    /// Wall time.
    public var seconds: Double
  }

  /// The document as JSON.
  public func json() throws -> [UInt8] { try encodedJSON(self) }
}

/// Measures everything, the matrix product before and after each network: machines change speed.
///
/// - Parameter threads: Workers.
public func benchmark(threads: Int, reporter: Reporter) async throws -> BenchmarkResult {
  try Workload(threads: threads, batch: threads).prepare()
  var random = SystemRandomNumberGenerator()
  func tensor(_ shape: [Int]) -> Tensor {
    Tensor(
      shape: shape,
      values: (0..<shape.reduce(1, *)).map { _ in Float.random(in: -1...1, using: &random) })
  }
  var finished = 0
  func done(_ activity: String) {
    finished += 1
    reporter.progress(WorkProgress(activity: activity, done: finished, total: 6))
  }

  let (a, b) = (tensor([1024, 1024]), tensor([1024, 1024]))
  func sgemm() async throws -> Double {
    let perSecond = try await rate(threads: threads) { _ = linear(a, b) }
    done("benchmark")
    return perSecond * 2 * 1024 * 1024 * 1024 / 1e9
  }

  var peaks = [try await sgemm()]
  let network = try InceptionV3(WeightReader.madeUp())
  let picture = Image(
    width: 299, height: 299, channels: 3,
    pixels: (0..<3 * 299 * 299).map { _ in UInt8.random(in: 0...255, using: &random) })
  let images = try await rate(threads: threads) { _ = network(picture, .pytorch) }
  done("benchmark")

  peaks.append(try await sgemm())
  let model = try DiSModel(.small, WeightReader.madeUp())
  let noise = tensor([3, 32, 32])
  let forwards = try await rate(threads: threads) {
    _ = model(noise, timestep: 500, label: nil)
  }
  done("benchmark")

  peaks.append(try await sgemm())
  let seconds = try frechetSeconds(dimension: 2048)
  done("benchmark")

  let peak = peaks.max() ?? 0
  let inceptionOperations = 2 * 5.711168096  // GFLOP: the 94 convolutions
  let disOperations = Double(model.configuration.operations.products) / 1e9
  return BenchmarkResult(
    kernels: Tool.kernelPath, threads: threads, sgemm: .init(gflops: peak),
    inception: .init(
      imagesPerSecond: images, shareOfSgemm: images * inceptionOperations / peak),
    disS2: .init(forwardsPerSecond: forwards, shareOfSgemm: forwards * disOperations / peak),
    frechet2048: .init(seconds: seconds))
}

/// Calls per second of `body` over all workers, from at least two seconds after a warm-up.
private func rate(
  threads: Int, _ body: @escaping @Sendable () throws -> Void
) async throws -> Double {
  var calls = threads
  while true {
    let start = ContinuousClock.now
    try await forEachInOrder(count: calls, width: threads, inFlight: 2 * threads) { _ in
      try body()
    } consume: { _, _ in
    }
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    if seconds >= 2 { return Double(calls) / seconds }
    calls = max(2 * calls, Int(2.5 * Double(calls) / max(seconds, 1e-3)) / threads * threads)
  }
}

/// Two full-rank covariances `R Rᵀ + I` of random rows, best of three.
private func frechetSeconds(dimension: Int) throws -> Double {
  func gaussian() throws -> GaussianStatistics {
    var accumulator = GaussianAccumulator(dimension: dimension)
    for _ in 0..<dimension / 128 * 2 {
      try accumulator.append(
        rows: (0..<128 * dimension).map { _ in Float.random(in: -1...1) })
    }
    return try accumulator.statistics()
  }
  let (a, b) = (try gaussian(), try gaussian())
  return try (0..<3).map { _ in
    let start = ContinuousClock.now
    _ = try frechetDistance(between: a, and: b)
    return (ContinuousClock.now - start) / .seconds(1)
  }.min() ?? 0
}
