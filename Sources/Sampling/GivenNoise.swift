import Checkpoints
import Diffusion
import Files

/// Noise from files instead of the random streams, for comparison with other programs.
public struct GivenNoise: Sendable {
  private let start: Noise
  private let steps: Noise?

  /// An array `[..., N, C, H, W]`, of which the first samples were read as float32.
  private struct Noise: Sendable {
    let shape: [Int]
    /// The number of samples that were read.
    let count: Int
    let values: [Float]

    /// - Parameters:
    ///   - path: The path of a `.npy` file.
    ///   - axis: The axis of the samples.
    ///   - limit: The number of samples to read; nil for all of them.
    init(_ path: String, axis: Int, first limit: Int?) throws {
      let array = try NPYReader(path: path)
      guard array.type.isFloatingPoint else {
        throw Failure(
          .dataRefused, .noiseType, path,
          "\(array.type) \(array.shape), expected floating-point numbers")
      }
      shape = array.shape
      guard shape.count == 4 + axis else {
        throw Failure(
          .dataRefused, .noiseShape, path,
          "shape \(shape), expected [\(axis == 0 ? "" : "steps, ")N, C, H, W]")
      }
      let (steps, size) = (axis == 0 ? 1 : shape[0], shape.suffix(3).reduce(1, *))
      let stored = shape[axis]
      count = min(stored, limit ?? stored)
      // The bytes and the numbers of one step at a time, and the numbers of all steps.
      try checkMemory(count * size * (array.type.size + 4) + steps * count * size * 4, path)
      var values: [Float] = []
      values.reserveCapacity(steps * count * size)
      for step in 0..<steps {
        let first = step * stored * size
        values += try array.floats(first..<first + count * size)
      }
      self.values = values
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
  ///   - limit: The number of samples that will be made, of which alone the noise is read; nil to read
  ///     all of it.
  /// - Throws: `Failure` (65) `NoiseType` if an array is not of floating-point numbers,
  ///   `NoiseShape` if it does not have four or five dimensions; (71) `OutOfMemory` if there is not
  ///   enough memory for it; or the error that reading a `.npy` file throws.
  public init(start startPath: String, steps stepsPath: String?, first limit: Int? = nil) throws {
    start = try Noise(startPath, axis: 0, first: limit)
    steps = try stepsPath.map { try Noise($0, axis: 1, first: limit) }
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
    steps.map { $0.part(step * $0.count + index, size: size) }
  }
}
