import Backbones
import Checkpoints
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

  func check(
    shape image: [Int], draws: Int
  ) throws(Failure) {
    guard Array(start.shape.dropFirst()) == image else {
      throw Failure(
        .dataRefused, .noiseShape, "`noise`",
        "shape \(start.shape), expected [N, C, H, W] with \(image)")
    }
    guard let steps else {
      guard draws == 0 else {
        throw Failure(
          .usage, .stepNoiseMissing, "`noise`",
          "this sampler adds noise at every step; give `stepNoise` too")
      }
      return
    }
    guard steps.shape == [draws, count] + image else {
      throw Failure(
        .dataRefused, .noiseShape, "`stepNoise`",
        "shape \(steps.shape), expected [steps, N, C, H, W] = \([draws, count] + image)")
    }
  }

  private var size: Int { start.shape.dropFirst().reduce(1, *) }

  func start(_ index: Int) -> [Float] { start.part(index, size: size) }

  func step(_ step: Int, _ index: Int) -> [Float]? {
    steps?.part(step * count + index, size: size)
  }
}
