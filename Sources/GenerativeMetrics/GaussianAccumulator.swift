import Tensors

/// The mean and covariance of feature rows that arrive in any portions.
///
/// Rows are taken in blocks of ``blockSize`` consecutive samples: within a block the mean first and
/// then the centred products, in float64, so that nothing cancels; blocks A and B then join by
/// ```
/// n = nA + nB    d = mB - mA    m = mA + d nB / n    C = CA + CB + d dᵀ nA nB / n
/// ```
/// in ascending order. The bits of the result depend on the rows and their order alone.
///
/// - SeeAlso: Chan, Golub & LeVeque, "Updating Formulae and a Pairwise Algorithm for Computing
///   Sample Variances", Stanford STAN-CS-79-773 (1979): the formula for samples of sizes m and n,
///   here for vectors.
public struct GaussianAccumulator: Sendable {
  /// The number of samples whose products are summed in one call of `dsyrk`.
  public static let blockSize = 512

  /// The number of features D.
  public let dimension: Int
  /// The number of samples so far.
  public var count: Int { moments.count + pending.count / dimension }

  /// The sum of the rows in single precision, row by row.
  private var singleSum: [Float]
  private var moments: Moments
  /// Rows of the block that is not full yet.
  private var pending: [Float] = []

  /// An accumulator of no samples.
  public init(dimension: Int) {
    precondition(1...GaussianStatistics.maximumDimension ~= dimension, "dimension \(dimension)")
    self.dimension = dimension
    moments = Moments(dimension: dimension)
    singleSum = [Float](repeating: 0, count: dimension)
  }

  /// Takes the next samples, in ascending sample index.
  ///
  /// - Parameter rows: `[n, D]`, any n.
  /// - Throws: ``MetricError`` `ShapeMismatch` if the values are not whole rows, `NonFinite` with the
  ///   index of the sample for a NaN or an infinity. The accumulator is then unchanged.
  public mutating func append(rows: [Float]) throws(MetricError) {
    try checkRows(rows, dimension: dimension, firstSample: count)
    singleSum.add(rows: rows)
    var rest = rows[...]
    while !rest.isEmpty {
      let room = Self.blockSize * dimension - pending.count
      pending += rest.prefix(room)
      rest = rest.dropFirst(room)
      if pending.count == Self.blockSize * dimension { closeBlock() }
    }
  }

  /// Takes the samples of another accumulator as those that follow.
  ///
  /// Ends the current block of both. Merging accumulators of one block each, all full but the last,
  /// in ascending order gives the bits of appending their rows; any other split gives the same
  /// numbers up to rounding.
  ///
  /// - Throws: ``MetricError`` `DimensionMismatch`.
  public mutating func merge(_ other: GaussianAccumulator) throws(MetricError) {
    guard other.dimension == dimension else {
      throw .dimensionMismatch(dimension, other.dimension)
    }
    var other = other
    closeBlock()
    other.closeBlock()
    moments.merge(other.moments)
    singleSum.add(rows: other.singleSum)
  }

  /// The samples that are left without those of `part`, which must be some of them.
  ///
  /// Up to rounding, those of an accumulator that never saw them.
  ///
  /// - Throws: ``MetricError`` `DimensionMismatch`; `TooFewSamples` if none are left.
  public func removing(_ part: GaussianAccumulator) throws(MetricError) -> GaussianAccumulator {
    guard part.dimension == dimension else {
      throw .dimensionMismatch(dimension, part.dimension)
    }
    guard part.count < count else { throw .tooFewSamples(count - part.count, atLeast: 1) }
    var (rest, part) = (self, part)
    rest.closeBlock()
    part.closeBlock()
    rest.moments.merge(part.moments, sign: -1)
    rest.singleSum.add(rows: part.singleSum.map { -$0 })
    return rest
  }

  /// The statistics of the samples so far; more may follow.
  ///
  /// - Parameter mean: How the mean is summed. In single precision its bits are NumPy's, unless
  ///   accumulators were merged.
  /// - Throws: ``MetricError`` `TooFewSamples` if N < 2.
  public func statistics(
    mean: MeanPrecision = .float64
  ) throws(MetricError) -> GaussianStatistics {
    guard count >= 2 else { throw .tooFewSamples(count, atLeast: 2) }
    var whole = self
    whole.closeBlock()
    let single = mean == .float32 ? singleSum.map { Double($0 / Float(count)) } : nil
    return whole.moments.statistics(mean: single)
  }

  private mutating func closeBlock() {
    guard !pending.isEmpty else { return }
    moments.merge(Moments(rows: pending, dimension: dimension))
    pending.removeAll(keepingCapacity: true)
  }
}

/// A count, a mean `m` and the lower triangle of the sum `C` of `(x - m)(x - m)ᵀ`.
private struct Moments {
  var count: Int
  var mean: [Double]
  var products: Matrix

  /// No samples.
  init(dimension: Int) {
    count = 0
    mean = [Double](repeating: 0, count: dimension)
    products = Matrix(rows: 0, columns: 0, values: [])
  }

  /// - Parameter rows: `[n, D]`, n > 0.
  init(rows: [Float], dimension: Int) {
    let (mean, centered) = center(rows, dimension: dimension)
    count = centered.rows
    self.mean = mean
    products = lowerGram(centered)
  }

  /// - Parameter sign: -1 takes samples away, some of which must be left: of a negative number of
  ///   samples the formula holds as well.
  mutating func merge(_ other: Moments, sign: Double = 1) {
    guard other.count > 0 else { return }
    guard count > 0 else { return self = other }
    let total = count + Int(sign) * other.count
    let shift = zip(other.mean, mean).map { $0 - $1 }
    let meanWeight = sign * Double(other.count) / Double(total)
    let productWeight = Double(count) * meanWeight
    for row in mean.indices {
      mean[row] += shift[row] * meanWeight
      let scaled = shift[row] * productWeight
      let start = row * products.columns
      for column in 0...row {
        products.values[start + column] +=
          sign * other.products.values[start + column] + scaled * shift[column]
      }
    }
    count = total
  }

  /// Divides by N - 1, with N >= 2.
  ///
  /// - Parameter other: Takes the place of the mean.
  func statistics(mean other: [Double]?) -> GaussianStatistics {
    var covariance = products
    let divisor = Double(count - 1)
    for index in covariance.values.indices { covariance.values[index] /= divisor }
    covariance.mirrorLowerTriangle()
    return GaussianStatistics(unchecked: count, mean: other ?? mean, covariance: covariance.values)
  }
}

/// How the mean of float32 features is summed.
public enum MeanPrecision: String, Codable, Sendable {
  /// In double precision.
  case float64
  /// In single precision, row by row, as `numpy.mean(x, axis=0)` does with float32 rows. The
  /// covariance is in double precision all the same (`numpy.cov`), around its own mean.
  case float32
}

extension [Float] {
  /// Adds each row, one after the other.
  mutating func add(rows: [Float]) {
    for start in stride(from: 0, to: rows.count, by: count) {
      for column in 0..<count { self[column] += rows[start + column] }
    }
  }
}

/// The mean of rows and the rows less their mean.
///
/// - Parameter rows: `[n, D]`, n > 0.
func center(_ rows: [Float], dimension: Int) -> (mean: [Double], centered: Matrix) {
  let count = rows.count / dimension
  var mean = [Double](repeating: 0, count: dimension)
  for start in stride(from: 0, to: rows.count, by: dimension) {
    for column in 0..<dimension { mean[column] += Double(rows[start + column]) }
  }
  for column in 0..<dimension { mean[column] /= Double(count) }
  var centered = rows.map(Double.init)
  for start in stride(from: 0, to: rows.count, by: dimension) {
    for column in 0..<dimension { centered[start + column] -= mean[column] }
  }
  return (mean, Matrix(rows: count, columns: dimension, values: centered))
}

/// Throws unless `rows` is `[n, columns]` of finite numbers; samples are counted from `firstSample`.
func checkRows(_ rows: [Float], dimension: Int, firstSample: Int) throws(MetricError) {
  guard rows.count.isMultiple(of: dimension) else {
    throw MetricError("ShapeMismatch", "\(rows.count) values are not rows of \(dimension)")
  }
  if let index = rows.firstIndex(where: { !$0.isFinite }) {
    throw MetricError(
      "NonFinite",
      "sample \(firstSample + index / dimension), column \(index % dimension) is \(rows[index])")
  }
}
