import Tensors

/// An accumulator of the mean and covariance of feature rows that arrive in portions of any size.
///
/// Rows are processed in blocks of ``blockSize`` consecutive samples. Within a block, the mean is
/// computed first and then the centred products, in float64, so that nothing cancels. Blocks A and
/// B are then combined by
/// ```
/// n = nA + nB    d = mB - mA    m = mA + d nB / n    C = CA + CB + d dᵀ nA nB / n
/// ```
/// in ascending order. The bits of the result depend only on the rows and their order.
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

  /// The sum of the rows in single precision, accumulated row by row.
  private(set) var singleSum: [Float]
  private var moments: Moments
  /// The rows of the block that is not full yet.
  private var pending: [Float] = []

  /// Creates an accumulator without samples.
  ///
  /// - Parameter dimension: D, at most ``GaussianStatistics/maximumDimension``.
  /// - Throws: ``MetricError`` `ShapeMismatch` if D is not in this range.
  public init(dimension: Int) throws(MetricError) {
    try checkDimension(dimension)
    self.dimension = dimension
    moments = Moments(dimension: dimension)
    singleSum = [Float](repeating: 0, count: dimension)
  }

  /// Creates an accumulator of samples that can be read one block after the other. Two blocks are multiplied at
  /// the same time; the bits are those of ``append(rows:)``.
  ///
  /// - Parameters:
  ///   - dimension: D, at most ``GaussianStatistics/maximumDimension``.
  ///   - count: The number of samples N.
  ///   - rows: Returns the features `[n, D]` of a range of samples. Called once for each block, in order.
  /// - Throws: ``MetricError`` as ``append(rows:)`` does, or the error thrown by `rows`.
  package init(dimension: Int, count: Int, rows: (Range<Int>) throws -> [Float]) throws {
    try self.init(dimension: dimension)
    let full = count / Self.blockSize
    let empty = Moments(dimension: dimension)
    var blocks: [(rows: [Float], moments: Moments)] = [([], empty), ([], empty)]
    for first in stride(from: 0, to: full, by: blocks.count) {
      let together = min(blocks.count, full - first)
      for lane in blocks.indices {
        guard lane < together else {
          blocks[lane].rows = []
          continue
        }
        let start = (first + lane) * Self.blockSize
        let read = try rows(start..<start + Self.blockSize)
        try checkRows(read, dimension: dimension, firstSample: start)
        singleSum.add(rows: read)
        blocks[lane].rows = read
      }
      forEachConcurrently(&blocks) { _, block in
        if !block.rows.isEmpty { block.moments.replace(rows: block.rows, dimension: dimension) }
      }
      for block in blocks.prefix(together) { moments.merge(block.moments) }
    }
    if full * Self.blockSize < count { try append(rows: rows(full * Self.blockSize..<count)) }
  }

  /// Adds the next samples, in ascending sample index.
  ///
  /// - Parameter rows: `[n, D]`, for any n.
  /// - Throws: ``MetricError`` `ShapeMismatch` if the values are not whole rows, `NonFinite` with
  ///   the index of the sample for a NaN or an infinity. The accumulator is then unchanged.
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

  /// Adds the samples of a different accumulator after those of this one.
  ///
  /// The current block of both ends here. Merging accumulators of one block each in ascending
  /// order, where all but the last are full, gives the same bits as appending their rows. Any other
  /// division gives the same numbers up to rounding.
  ///
  /// - Parameter other: An accumulator of samples with the same D.
  /// - Throws: ``MetricError`` `DimensionMismatch` if the accumulators differ in D.
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

  /// Returns an accumulator without some of the samples of this one.
  ///
  /// Up to rounding, this equals an accumulator to which those samples were never added.
  ///
  /// - Parameter part: An accumulator of the samples to remove, with the same D. They must be among
  ///   those of this accumulator, and fewer.
  /// - Throws: ``MetricError`` `DimensionMismatch` if the accumulators differ in D, `TooFewSamples`
  ///   if no samples are left.
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

  /// Returns the statistics of the samples so far. More samples may follow.
  ///
  /// - Parameter mean: The precision in which the mean is summed. In single precision, its bits are
  ///   those of NumPy unless accumulators were merged.
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

  /// Returns `Σ |x - c|²` for a vector c, `[D]`.
  func squares(around center: [Double]) -> Double {
    var whole = self
    whole.closeBlock()
    let shift = zip(whole.moments.mean, center).reduce(0) {
      $0 + ($1.0 - $1.1) * ($1.0 - $1.1)
    }
    return whole.moments.products.diagonal.reduce(0, +) + Double(count) * shift
  }

  private mutating func closeBlock() {
    guard !pending.isEmpty else { return }
    moments.merge(Moments(rows: pending, dimension: dimension))
    pending.removeAll(keepingCapacity: true)
  }
}

/// A count, a mean `m` and the lower triangle of the sum `C` of `(x - m)(x - m)ᵀ`.
private struct Moments: Sendable {
  var count: Int
  var mean: [Double]
  var products: Matrix

  /// Creates moments of no samples.
  init(dimension: Int) {
    count = 0
    mean = [Double](repeating: 0, count: dimension)
    products = Matrix(rows: 0, columns: 0, values: [])
  }

  /// Computes the moments of rows.
  ///
  /// - Parameter rows: `[n, D]`, n > 0.
  init(rows: [Float], dimension: Int) {
    self.init(dimension: dimension)
    replace(rows: rows, dimension: dimension)
  }

  /// Replaces the moments by those of rows, in the same memory.
  ///
  /// - Parameter rows: `[n, D]`, n > 0.
  mutating func replace(rows: [Float], dimension: Int) {
    let (mean, centered) = center(rows, dimension: dimension)
    count = centered.rows
    self.mean = mean
    if products.rows == 0 {
      products = lowerGram(centered)
    } else {
      setLowerGram(centered, &products)
    }
  }

  /// Adds or removes the samples of `other`.
  ///
  /// - Parameter sign: 1 to add samples; -1 to remove samples, of which some must remain. The
  ///   formula also holds for a negative number of samples.
  mutating func merge(_ other: Moments, sign: Double = 1) {
    guard other.count > 0 else { return }
    guard count > 0 else { return self = other }
    let total = count + Int(sign) * other.count
    let shift = zip(other.mean, mean).map { $0 - $1 }
    let meanWeight = sign * Double(other.count) / Double(total)
    let productWeight = Double(count) * meanWeight
    let columns = products.columns
    products.values.withUnsafeMutableBufferPointer { values in
      other.products.values.withUnsafeBufferPointer { others in
        for row in shift.indices {
          let scaled = shift[row] * productWeight
          for column in 0...row {
            let index = row * columns + column
            values[index] += sign * others[index] + scaled * shift[column]
          }
        }
      }
    }
    for row in mean.indices { mean[row] += shift[row] * meanWeight }
    count = total
  }

  /// Returns the statistics, with the divisor N - 1, where N >= 2.
  ///
  /// - Parameter other: A mean that replaces the accumulated one, or nil.
  func statistics(mean other: [Double]?) -> GaussianStatistics {
    var covariance = products
    let divisor = Double(count - 1)
    for index in covariance.values.indices { covariance.values[index] /= divisor }
    covariance.mirrorLowerTriangle()
    return GaussianStatistics(unchecked: count, mean: other ?? mean, covariance: covariance.values)
  }
}

/// The precision in which the mean of float32 features is summed.
public enum MeanPrecision: String, Codable, Sendable {
  /// Double precision.
  case float64
  /// Single precision, row by row, as in `numpy.mean(x, axis=0)` for float32 rows. The covariance
  /// is still computed in double precision (`numpy.cov`), around its own mean.
  case float32
}

extension [Float] {
  /// Adds the rows one after the other.
  mutating func add(rows: [Float]) {
    for start in stride(from: 0, to: rows.count, by: count) {
      for column in 0..<count { self[column] += rows[start + column] }
    }
  }
}

/// Returns the mean of the rows, `[D]`, and the rows minus their mean, `[n, D]`.
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

/// Checks that `rows` is `[n, D]` and finite. Samples are counted from `firstSample`.
///
/// - Throws: ``MetricError`` `ShapeMismatch` or `NonFinite` if it is not.
func checkRows(_ rows: [Float], dimension: Int, firstSample: Int) throws(MetricError) {
  guard rows.count.isMultiple(of: dimension) else {
    throw MetricError(.shapeMismatch, "\(rows.count) values are not rows of \(dimension)")
  }
  if let index = rows.firstIndex(where: { !$0.isFinite }) {
    throw MetricError(
      .nonFinite,
      "sample \(firstSample + index / dimension), column \(index % dimension) is \(rows[index])")
  }
}
