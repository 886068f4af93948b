import Tensors

/// A squared Fréchet distance as a sum over orthogonal directions of feature space, so that one can
/// say that a few directions carry most of it.
///
/// Between two Gaussians, there is a coupling (a joint Gaussian of a generated sample y and a
/// reference sample x) for which the mean of `|y - x|²` is the squared distance. For any
/// orthonormal directions v,
/// ```
/// part(v) = E ((y - x)·v)² = (Δ·v)² + vᵀ (S₁ + S₂ - C - Cᵀ) v    Δ = μ₁ - μ₂, C = Cov(y, x)
/// |μ₁ - μ₂|² + tr S₁ + tr S₂ - 2 tr (S₁S₂)^½ = Σ part(v)
/// ```
/// So no part is negative, and the parts add up to the distance. If both covariances have v as
/// eigenvector, with the standard deviations s₁ and s₂, the part is `(Δ·v)² + (s₁ - s₂)²`.
///
/// With `Sᵢ = FᵢᵀFᵢ` and `F₁F₂ᵀ = U diag(σ) V`, `C = F₁ᵀ U V F₂`. The second term is therefore the
/// squared norm of `(Uᵀ F₁ - V F₂) v`, which is computed without subtracting large numbers. Rows
/// with a σ below D 2⁻⁵² of the largest, which are arbitrary, are not coupled: their squares count
/// on both sides.
///
/// The parts are too large for few samples, as the distance is: even samples of the reference's own
/// distribution have parts above 0 in all directions.
///
/// - SeeAlso: Dowson & Landau, "The Fréchet Distance between Multivariate Normal Distributions", J.
///   Multivariate Analysis 12 (1982), for the coupling.
public struct FrechetDirections: Equatable, Sendable {
  /// The orthonormal directions in which a distance can be divided.
  public enum Basis: String, CaseIterable, Sendable {
    /// The principal directions of y - x, the eigenvectors of `E (y - x)(y - x)ᵀ`. No other
    /// directions carry as much of the distance in as few (Ky Fan's maximum principle).
    case displacement
    /// The principal directions of the reference, the eigenvectors of S₂. They do not depend on the
    /// generated samples, so that parts of several sets can be compared.
    case reference
  }

  /// One direction and what it contributes.
  public struct Direction: Equatable, Sendable {
    /// v, of norm 1, `[D]`. Its largest element is positive.
    public let vector: [Double]
    /// (Δ·v)², the part of the mean.
    public let meanPart: Double
    /// vᵀ (S₁ + S₂ - C - Cᵀ) v, the part of the covariances.
    public let covariancePart: Double
    /// Δ·v, the difference of the means, generated minus reference.
    public let shift: Double
    /// √(vᵀ S₁ v), the standard deviation of the generated samples.
    public let deviation: Double
    /// √(vᵀ S₂ v), the standard deviation of the reference.
    public let referenceDeviation: Double

    /// ``meanPart`` + ``covariancePart``.
    public var part: Double { meanPart + covariancePart }
  }

  /// The kind of directions.
  public let basis: Basis
  /// The squared distance: the sum of ``parts``.
  public let value: Double
  /// The part of every direction, largest first, `[D]`.
  public let parts: [Double]
  /// The directions with the largest parts, in the order of ``parts``.
  public let directions: [Direction]

  /// Returns the smallest number of directions that carry a share of the distance, 0 if the
  /// distance is 0.
  ///
  /// - Parameter share: 0 to 1.
  public func count(carrying share: Double) -> Int {
    var sum = 0.0
    for (index, part) in parts.enumerated() {
      if sum >= share * value { return index }
      sum += part
    }
    return parts.count
  }
}

extension FrechetDirections {
  /// Divides the squared Fréchet distance of two Gaussians into directions.
  ///
  /// ``value`` is that of ``frechetDistance(between:and:)`` up to rounding. Takes several times as
  /// long: singular vectors, and one or two eigendecompositions of `[D, D]`.
  ///
  /// - Parameters:
  ///   - generated: A mean `[D]` and a covariance `[D, D]`.
  ///   - reference: The Gaussian to compare with, with the same D.
  ///   - basis: The directions.
  ///   - limit: The number of ``directions`` to return, at least 0.
  /// - Throws: ``MetricError`` `DimensionMismatch` if the Gaussians differ in D,
  ///   `NotPositiveSemidefinite` if an eigenvalue of a covariance is more negative than rounding
  ///   explains, `LAPACKFailure` if a LAPACK routine fails, `Overflow` if the result is not finite.
  public init(
    of generated: GaussianStatistics, from reference: GaussianStatistics,
    basis: Basis = .displacement, limit: Int = 20
  ) throws(MetricError) {
    guard generated.dimension == reference.dimension else {
      throw .dimensionMismatch(generated.dimension, reference.dimension)
    }
    try self.init(
      of: FactoredGaussian(generated), from: FactoredGaussian(reference), basis: basis, limit: limit
    )
  }

  /// Divides the squared Fréchet distance of two factored Gaussians into directions.
  ///
  /// - Parameters:
  ///   - generated: A mean `[D]` and a factor `[R, D]`, of any R.
  ///   - reference: The Gaussian to compare with, with the same D.
  ///   - basis: The directions.
  ///   - limit: The number of ``directions`` to return, at least 0.
  /// - Throws: ``MetricError`` as ``init(of:from:basis:limit:)`` does.
  package init(
    of generated: FactoredGaussian, from reference: FactoredGaussian, basis: Basis, limit: Int
  ) throws(MetricError) {
    let dimension = generated.mean.count
    guard reference.mean.count == dimension else {
      throw .dimensionMismatch(dimension, reference.mean.count)
    }
    let shift = zip(generated.mean, reference.mean).map { $0 - $1 }
    let displacement = try Self.displacement(generated.factor, reference.factor)
    let vectors = try Self.vectors(basis, displacement, shift: shift, reference: reference.factor)
    let means = product(vectors, transposed: Matrix(rows: 1, columns: dimension, values: shift))
      .values
    let covariances = Self.squaredNorms(displacement, along: vectors)
    let all = zip(means, covariances).map { $0 * $0 + $1 }
    guard all.allSatisfy(\.isFinite) else {
      throw MetricError(.overflow, "a part of the distance is not finite")
    }
    let order = all.indices.sorted { (-all[$0], $0) < (-all[$1], $1) }
    let leading = order.prefix(max(limit, 0))
    let chosen = Matrix(
      rows: leading.count, columns: dimension, values: leading.flatMap { Self.row($0, of: vectors) }
    )
    let (own, other) = (
      Self.squaredNorms(generated.factor, along: chosen),
      Self.squaredNorms(reference.factor, along: chosen)
    )
    self.basis = basis
    parts = order.map { all[$0] }
    value = parts.reversed().reduce(0, +)
    directions = leading.enumerated().map { place, index in
      Direction(
        vector: Self.row(index, of: vectors), meanPart: means[index] * means[index],
        covariancePart: covariances[index], shift: means[index], deviation: own[place].squareRoot(),
        referenceDeviation: other[place].squareRoot())
    }
  }

  /// Returns G with `GᵀG = S₁ + S₂ - C - Cᵀ`: the differences of coupled rows, and the rows that
  /// are not coupled.
  private static func displacement(_ a: Matrix, _ b: Matrix) throws(MetricError) -> Matrix {
    guard a.rows > 0, b.rows > 0 else {
      return Matrix(rows: a.rows + b.rows, columns: a.columns, values: a.values + b.values)
    }
    let (left, values, right) = try lapack(singularValueDecomposition(product(a, transposed: b)))
    let (u, v) = (product(left.transposed, a), product(right, b))
    let smallest = Double(a.columns) * 0x1p-52 * (values.first ?? 0)
    let coupled = values.count { $0 > smallest } * a.columns
    let differences = zip(u.values[..<coupled], v.values[..<coupled]).map { $0 - $1 }
    return Matrix(
      rows: a.rows + b.rows - coupled / a.columns, columns: a.columns,
      values: differences + u.values[coupled...] + v.values[coupled...])
  }

  /// Returns the directions as rows, `[D, D]`.
  private static func vectors(
    _ basis: Basis, _ displacement: Matrix, shift: [Double], reference: Matrix
  ) throws(MetricError) -> Matrix {
    var gram =
      switch basis {
      case .reference: lowerGram(reference)
      case .displacement:
        lowerGram(
          Matrix(
            rows: displacement.rows + 1, columns: shift.count, values: displacement.values + shift))
      }
    guard gram.values.allSatisfy(\.isFinite) else {
      throw MetricError(.overflow, "the squares of the features are not finite")
    }
    gram.mirrorLowerTriangle()
    var vectors = try lapack(symmetricEigendecomposition(gram)).vectors
    for index in 0..<vectors.rows {
      let row = row(index, of: vectors)
      let largest = row.max { abs($0) < abs($1) } ?? 0
      guard largest < 0 else { continue }
      for column in row.indices { vectors.values[index * row.count + column] = -row[column] }
    }
    return vectors
  }

  /// Returns `|F v|²` for each row v of `vectors`.
  private static func squaredNorms(_ factor: Matrix, along vectors: Matrix) -> [Double] {
    guard factor.rows > 0 else { return [Double](repeating: 0, count: vectors.rows) }
    let projections = product(vectors, transposed: factor)
    return (0..<vectors.rows).map { row in
      projections.values[row * factor.rows..<(row + 1) * factor.rows].reduce(0) { $0 + $1 * $1 }
    }
  }

  private static func row(_ index: Int, of matrix: Matrix) -> [Double] {
    Array(matrix.values[index * matrix.columns..<(index + 1) * matrix.columns])
  }
}

extension Matrix {
  fileprivate var transposed: Matrix {
    Matrix(
      rows: columns, columns: rows,
      values: (0..<columns).flatMap { column in
        (0..<rows).map { values[$0 * columns + column] }
      })
  }
}

// MARK: - Errors

/// The errors of what a direction of a Fréchet distance says of the samples, given the direction.
public struct DirectionErrors: Equatable, Sendable {
  /// The standard error of ``FrechetDirections/Direction/shift``: s / √N.
  public let shift: Double
  /// The standard error of ``FrechetDirections/Direction/deviation``, `√(Σ (pᵢ² - s²)²) / (2 s N)` for the
  /// projections p of the centred samples; 0 if they do not vary.
  public let deviation: Double
  /// The number of samples, N.
  public let count: Int

  /// Returns the interval for the difference of the means.
  public func interval(ofShift shift: Double) -> ClosedRange<Double> {
    let margin = quantile * self.shift
    return closedRange(shift - margin, shift + margin)
  }

  /// Returns the interval for the standard deviation, symmetric for its logarithm.
  public func interval(ofDeviation deviation: Double) -> ClosedRange<Double> {
    let scale = MetricTitle.Scale.logarithmic
    return closedRange(
      scale.end(of: deviation, error: self.deviation, at: -quantile),
      scale.end(of: deviation, error: self.deviation, at: quantile))
  }

  private var quantile: Double {
    studentQuantile((1 + Jackknife.confidence) / 2, degreesOfFreedom: count - 1)
  }
}

extension FrechetDirections {
  /// Returns the errors along each of ``directions``, in one pass over the samples.
  ///
  /// - Parameters:
  ///   - mean: The mean of the samples, `[D]`.
  ///   - count: N, at least 2.
  ///   - rows: Returns the features `[n, D]` of a range of samples. Called once for each range, in order.
  /// - Throws: The error thrown by `rows`.
  package func errors(
    mean: [Double], count: Int, rows: (Range<Int>) throws(MetricError) -> [Float]
  ) throws(MetricError) -> [DirectionErrors] {
    let vectors = Matrix(
      rows: directions.count, columns: mean.count, values: directions.flatMap(\.vector))
    let centers =
      vectors.rows == 0
      ? []
      : product(vectors, transposed: Matrix(rows: 1, columns: mean.count, values: mean)).values
    var fourth = [Double](repeating: 0, count: directions.count)
    for start in stride(from: 0, to: count, by: 1024) {
      let range = start..<min(start + 1024, count)
      let block = Matrix(
        rows: range.count, columns: mean.count, values: try rows(range).map(Double.init))
      guard vectors.rows > 0 else { continue }
      let projections = product(vectors, transposed: block)
      for (index, direction) in directions.enumerated() {
        let variance = direction.deviation * direction.deviation
        for column in 0..<range.count {
          let p = projections.values[index * range.count + column] - centers[index]
          let excess = p * p - variance
          fourth[index] += excess * excess
        }
      }
    }
    let n = Double(count)
    return zip(directions, fourth).map { direction, sum in
      let s = direction.deviation
      return DirectionErrors(
        shift: s / n.squareRoot(), deviation: s > 0 ? sum.squareRoot() / (2 * s * n) : 0,
        count: count)
    }
  }
}
