import Checkpoints
import Files
import GenerativeMetrics

extension StatisticsContent {
  /// Returns the checked Gaussian of the pooled features, the divisor that the file itself implies, and the
  /// moments of the rows if it was computed from them.
  ///
  /// - Parameter known: The number of images according to the record or the registry.
  func gaussian(
    count known: Int?
  ) throws -> (gaussian: GaussianStatistics, ddof: Int?, accumulated: GaussianAccumulator?) {
    if let moments {
      if format == .featureStats { return (try gaussian(ofSums: moments), 0, nil) }
      return (try gaussian(of: moments, count: count ?? known, ["mu", "sigma"]), nil, nil)
    }
    guard let reader = try rows?() else { preconditionFailure("neither moments nor rows") }
    do {
      let accumulated = try self.accumulated(reader)
      return (try accumulated.statistics(), 1, accumulated)
    } catch let error as MetricError {
      throw Self.refusal(path, error)
    }
  }

  /// The precision of the type in which the mean is stored. The mean of rows is summed in double
  /// precision.
  var meanPrecision: MeanPrecision { moments?.mean.type == .float32 ? .float32 : .float64 }

  /// Returns the Gaussian of the spatial features.
  func spatialGaussian(count: Int?) throws -> GaussianStatistics? {
    try spatial.map { try gaussian(of: $0, count: count, ["mu_s", "sigma_s"]) }
  }

  static func refusal(_ path: String, _ error: MetricError) -> Failure {
    let advice =
      switch error.code {
      case .nonFinite: "; an image or a sum was damaged; create the statistics again"
      case .notSymmetric, .notPositiveSemidefinite:
        "; real features have no such covariance: the file is damaged or not of features"
      default: ""
      }
    return refusal(path, "\(error.code): \(error.detail)\(advice)")
  }

  /// Returns the numbers of rows and columns of an array of feature rows.
  static func checkedRowShape(
    _ reader: NPYReader, path: String, atLeast minimum: Int
  ) throws(Failure) -> (rows: Int, columns: Int) {
    guard reader.type.isFloatingPoint, reader.shape.count == 2, reader.shape[0] >= minimum,
      (1...maximumDimension).contains(reader.shape[1])
    else {
      throw refusal(
        path,
        "feature rows \(reader.type) \(reader.shape), expected floating point [N, D] with N at "
          + "least \(minimum) and D at most \(maximumDimension)")
    }
    return (reader.shape[0], reader.shape[1])
  }

  /// Returns the mean and covariance as stored.
  private func gaussian(
    of moments: Moments, count: Int?, _ names: [String]
  ) throws -> GaussianStatistics {
    try checkShapes(moments, names)
    return try checked(
      count: count, mean: moments.mean.doubles(), covariance: moments.covariance.doubles(),
      relativePrecision: moments.covariance.type.relativePrecision)
  }

  /// Computes `raw_mean / n` and `raw_cov / n - mean meanᵀ`, as StyleGAN's `get_mean_cov` does.
  private func gaussian(ofSums sums: Moments) throws -> GaussianStatistics {
    guard let count else { preconditionFailure("sums without a count") }
    try checkShapes(sums, ["raw_mean", "raw_cov"])
    let mean = sums.mean.doubles().map { $0 / Double(count) }
    var covariance = sums.covariance.doubles()
    let (dimension, scale) = (mean.count, Double(count))
    var (before, after) = (0.0, 0.0)
    for row in 0..<dimension {
      for index in row * dimension..<(row + 1) * dimension {
        covariance[index] /= scale
        before = max(before, abs(covariance[index]))
        covariance[index] -= mean[row] * mean[index - row * dimension]
        after = max(after, abs(covariance[index]))
      }
    }
    // The factor by which the subtraction increased the relative error of the sums.
    let loss = after > 0 ? max(1, before / after) : 1
    return try checked(
      count: count, mean: mean, covariance: covariance,
      relativePrecision: loss * sums.covariance.type.relativePrecision)
  }

  /// Computes the moments of rows, which are read a few megabytes at a time.
  private func accumulated(_ reader: NPYReader) throws -> GaussianAccumulator {
    let (rows, columns) = try Self.checkedRowShape(reader, path: path, atLeast: 2)
    return try GaussianAccumulator(dimension: columns, count: rows) { range in
      try reader.floats(range.lowerBound * columns..<range.upperBound * columns)
    }
  }

  private func checkShapes(_ moments: Moments, _ names: [String]) throws(Failure) {
    let (mean, covariance) = moments
    guard mean.shape.count == 1, covariance.shape == [mean.shape[0], mean.shape[0]],
      mean.type.isFloatingPoint, covariance.type.isFloatingPoint
    else {
      throw Self.refusal(
        path,
        "\(names[0]) is \(mean.type) \(mean.shape) and \(names[1]) \(covariance.type) "
          + "\(covariance.shape), expected floating point [D] and [D, D]")
    }
    guard mean.shape[0] <= Self.maximumDimension else {
      throw Self.refusal(
        path, "\(mean.shape[0]) dimensions; at most \(Self.maximumDimension) are read")
    }
  }

  private func checked(
    count: Int?, mean: [Double], covariance: [Double], relativePrecision: Double
  ) throws(Failure) -> GaussianStatistics {
    do {
      let statistics = try GaussianStatistics(
        count: count, mean: mean, covariance: covariance, relativePrecision: relativePrecision)
      try statistics.checkPositiveSemidefinite()
      return statistics
    } catch {
      throw Self.refusal(path, error)
    }
  }
}

extension ScalarType {
  /// The relative error of a number rounded to this type.
  fileprivate var relativePrecision: Double {
    switch self {
    case .float64: 0x1p-52
    case .float32: 0x1p-23
    case .bfloat16: 0x1p-7
    default: 0x1p-10
    }
  }
}
