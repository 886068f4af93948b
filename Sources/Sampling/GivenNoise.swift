import Checkpoints
import Diffusion
import Files

/// Noise from files instead of the random streams, for comparison with other programs.
public struct GivenNoise: Sendable {
  private let start: Noise
  private let steps: Noise?

  /// An array as float32.
  private struct Noise: Sendable {
    let shape: [Int]
    let values: [Float]

    init(_ path: String) throws {
      let array = try NPYArray.read(path)
      guard array.type.isFloatingPoint else {
        throw Failure(
          .dataRefused, .noiseType, path,
          "\(array.type) \(array.shape), expected floating-point numbers")
      }
      (shape, values) = (array.shape, array.floats())
    }

    /// Returns part `index` of the values, in parts of `size` values.
    func part(_ index: Int, size: Int) -> [Float] {
      Array(values[index * size..<(index + 1) * size])
    }
  }

  /// Reads the noise from `.npy` files.
  ///
  /// - Parameters:
  ///   - startPath: The path of x_T, `[N, C, H, W]`.
  ///   - stepsPath: The path of the noise of every step, `[steps, N, C, H, W]`, the noisiest step
  ///     first; nil for a sampler that adds no noise.
  /// - Throws: `Failure` (65) `NoiseType` if an array is not of floating-point numbers,
  ///   `NoiseShape` if x_T does not have four dimensions, or the error that reading a `.npy` file
  ///   throws.
  public init(start startPath: String, steps stepsPath: String?) throws {
    start = try Noise(startPath)
    guard start.shape.count == 4 else {
      throw Failure(
        .dataRefused, .noiseShape, startPath, "shape \(start.shape), expected [N, C, H, W]")
    }
    steps = try stepsPath.map { try Noise($0) }
  }

  /// The number of samples that there is noise for.
  public var count: Int { start.shape[0] }

  /// Checks that there is the noise that a sampler takes.
  ///
  /// - Parameters:
  ///   - image: The extents of a sample, `[C, H, W]`.
  ///   - sampler: The sampler. One that adds no noise may be given noise for each of its steps.
  func check(shape image: [Int], for sampler: any Sampler) throws(Failure) {
    guard Array(start.shape.dropFirst()) == image else {
      throw Failure(
        .dataRefused, .noiseShape, "`noise`",
        "shape \(start.shape), expected [N, C, H, W] with \(image)")
    }
    guard let steps else {
      guard !sampler.isStochastic else {
        throw Failure(
          .usage, .stepNoiseMissing, "`noise`",
          "this sampler adds noise at every step; give `stepNoise` too")
      }
      return
    }
    let draws = sampler.isStochastic ? sampler.drawCount : sampler.stepCount
    guard steps.shape == [draws ?? steps.shape.first ?? 0, count] + image else {
      throw Failure(
        .dataRefused, .noiseShape, "`stepNoise`",
        "shape \(steps.shape), expected [steps, N, C, H, W] = "
          + "\([draws ?? 0, count] + image)")
    }
  }

  private var size: Int { start.shape.dropFirst().reduce(1, *) }

  func start(_ index: Int) -> [Float] { start.part(index, size: size) }

  func step(_ step: Int, _ index: Int) -> [Float]? {
    steps?.part(step * count + index, size: size)
  }
}
