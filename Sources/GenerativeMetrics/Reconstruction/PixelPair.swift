import Foundation

/// A decoded image and its original, of the same size, in bytes.
public struct PixelPair: Sendable {
  /// The values of the decoded image and of the original, `[H, W, C]`.
  let decoded, original: [UInt8]
  /// The extents.
  let width, height, channels: Int

  /// Creates a pair.
  ///
  /// - Parameters:
  ///   - decoded: The decoded image, `[H, W, C]`.
  ///   - original: The original, `[H, W, C]`.
  ///   - width: W.
  ///   - height: H.
  ///   - channels: C.
  /// - Throws: ``MetricError`` `ShapeMismatch` if an image does not have `H W C` values, or has none.
  public init(
    decoded: [UInt8], original: [UInt8], width: Int, height: Int, channels: Int
  ) throws(MetricError) {
    let count = width * height * channels
    guard count > 0, decoded.count == count, original.count == count else {
      throw MetricError(
        .shapeMismatch,
        "\(decoded.count) and \(original.count) values, expected \(height) x \(width) x \(channels) of each"
      )
    }
    (self.decoded, self.original) = (decoded, original)
    (self.width, self.height, self.channels) = (width, height, channels)
  }
}

// MARK: - PSNR

extension PixelPair {
  /// The mean squared difference of the values, from 0 to 65,025. Sums of squares of bytes are exact.
  public var meanSquaredError: Double {
    let sum = zip(decoded, original).reduce(0) { sum, pair in
      let difference = Int(pair.0) - Int(pair.1)
      return sum + difference * difference
    }
    return Double(sum) / Double(decoded.count)
  }

  /// The peak signal-to-noise ratio in decibels, `20 log10(255 / √MSE)`. Higher is better.
  ///
  /// Images that are equal have no finite one. RAE gives them 100 dB, because it raises the error to 1e-10 of the
  /// squared range, and LightningDiT infinity.
  ///
  /// - Parameter limit: The ratio of equal images, and the largest of others.
  /// - SeeAlso: `src/eval/ref_iqa.py` in bytetriper/RAE at a4d18c4.
  public func peakSignalToNoiseRatio(limit: Double = .infinity) -> Double {
    let error = meanSquaredError
    return error == 0 ? limit : min(limit, 10 * log10(255 * 255 / error))
  }
}

// MARK: - SSIM

/// The numbers that bytes become before the structural similarity is computed. It depends on their mean.
public enum SimilarityRange: String, CaseIterable, Sendable {
  /// `x / 255`, with the range 1, as RAE and most others.
  case unit
  /// `x / 127.5 - 1`, with the range 2, as LightningDiT.
  case symmetric

  fileprivate var extent: Double { self == .unit ? 1 : 2 }

  fileprivate func callAsFunction(_ byte: UInt8) -> Double {
    self == .unit ? Double(byte) / 255 : Double(byte) / 127.5 - 1
  }
}

extension PixelPair {
  /// The number of weights of the window on each side of its centre.
  private static let reach = 5

  /// Returns the structural similarity (SSIM), from -1 to 1 for equal images. Higher is better.
  ///
  /// With means, variances and the covariance under a Gaussian window w of 11 x 11 values and σ = 1.5,
  /// ```
  /// (2 μ₁ μ₂ + c₁) (2 σ₁₂ + c₂) / ((μ₁² + μ₂² + c₁) (σ₁² + σ₂² + c₂)), c₁ = (0.01 L)², c₂ = (0.03 L)²
  /// ```
  /// averaged over all places and channels. The images are continued by reflection, and variances that rounding makes
  /// negative are 0, as in torchmetrics. (scikit-image averages over the places at least 5 from the edge.)
  ///
  /// - Parameter range: What bytes become, and L.
  /// - Throws: ``MetricError`` `ShapeMismatch` if a side has fewer than 6 values.
  /// - SeeAlso: Wang et al., "Image Quality Assessment: From Error Visibility to Structural Similarity", IEEE TIP 13
  ///   (2004); `torchmetrics/functional/image/ssim.py` of torchmetrics 1.9.0.
  public func structuralSimilarity(
    _ range: SimilarityRange = .unit
  ) throws(MetricError) -> Double {
    guard min(width, height) > Self.reach else {
      throw MetricError(
        .shapeMismatch,
        "\(width) x \(height) pixels, expected at least \(Self.reach + 1) on each side")
    }
    let (c1, c2) = (0.01 * range.extent, 0.03 * range.extent)
    var sum = 0.0
    for channel in 0..<channels {
      let a = plane(decoded, channel, range), b = plane(original, channel, range)
      let (meanA, meanB) = (smoothed(a), smoothed(b))
      let squareA = smoothed(zip(a, a).map(*)), squareB = smoothed(zip(b, b).map(*))
      let mixed = smoothed(zip(a, b).map(*))
      for index in a.indices {
        let product = meanA[index] * meanB[index]
        let (first, second) = (meanA[index] * meanA[index], meanB[index] * meanB[index])
        let variances = max(squareA[index] - first, 0) + max(squareB[index] - second, 0)
        sum +=
          (2 * product + c1 * c1) * (2 * (mixed[index] - product) + c2 * c2)
          / ((first + second + c1 * c1) * (variances + c2 * c2))
      }
    }
    return sum / Double(width * height * channels)
  }

  /// Returns one channel, `[H, W]`.
  private func plane(_ values: [UInt8], _ channel: Int, _ range: SimilarityRange) -> [Double] {
    stride(from: channel, to: values.count, by: channels).map { range(values[$0]) }
  }

  /// Returns the means under the window, `[H, W]`.
  private func smoothed(_ plane: [Double]) -> [Double] {
    var rows = [Double](repeating: 0, count: plane.count)
    for y in 0..<height {
      for x in 0..<width {
        for (offset, weight) in Self.weights.enumerated() {
          rows[y * width + x] += weight * plane[y * width + Self.reflected(x + offset, width)]
        }
      }
    }
    var result = [Double](repeating: 0, count: plane.count)
    for y in 0..<height {
      for (offset, weight) in Self.weights.enumerated() {
        let source = Self.reflected(y + offset, height) * width
        for x in 0..<width { result[y * width + x] += weight * rows[source + x] }
      }
    }
    return result
  }

  /// The window along one side, which adds up to 1.
  private static let weights: [Double] = {
    let values = (-reach...reach).map { exp(-pow(Double($0) / 1.5, 2) / 2) }
    let sum = values.reduce(0, +)
    return values.map { $0 / sum }
  }()

  /// Returns the place inside a side of some length for one that begins ``reach`` before it, by reflection at the
  /// first and the last value.
  private static func reflected(_ place: Int, _ length: Int) -> Int {
    let inside = abs(place - reach)
    return inside < length ? inside : 2 * (length - 1) - inside
  }
}
