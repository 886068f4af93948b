import Files
import Foundation
import GenerativeMetrics
import References

/// Features of one kind, added in index order.
package struct FeatureSet {
  /// The length of a feature vector, D.
  package let dimension: Int
  /// The mean and covariance of all rows.
  package private(set) var gaussian: GaussianAccumulator
  /// The first rows, `[min(N, kept), D]`.
  package private(set) var rows: [Float] = []
  private let keptRows: Int
  /// All rows, `[N, D]`, for the jackknife, or the reason there are none.
  private var file: Result<ScratchFile, NoInterval>

  /// The number of rows, N.
  package var count: Int { gaussian.count }

  /// Creates an empty set.
  ///
  /// - Parameters:
  ///   - dimension: The length of a feature vector, D.
  ///   - keptRows: The number of rows to keep, raised to at least D; see ``factored(_:)``.
  ///   - intervals: Whether the jackknife will be needed.
  /// - Throws: `MetricError` `ShapeMismatch` if D is not possible.
  init(dimension: Int, keptRows: Int, intervals: Bool) throws(MetricError) {
    self.dimension = dimension
    self.keptRows = max(keptRows, dimension)
    gaussian = try GaussianAccumulator(dimension: dimension)
    file =
      intervals
      ? Result { () throws(Failure) in
        try ScratchFile(folder: FileManager.default.temporaryDirectory.path)
      }.mapError { NoInterval($0) }
      : .failure(NoInterval(reason: "not asked for"))
  }

  /// Copies the feature rows of statistics.
  ///
  /// - Returns: Nil if the statistics do not have the rows of all their images.
  /// - Throws: The failure of reading the rows; `MetricError` `NonFinite` if they contain NaN or infinity.
  package init?(of statistics: ReferenceStatistics) throws {
    try self.init(dimension: statistics.dimension, keptRows: 0, intervals: true)
    let width = statistics.dimension
    let isComplete = try statistics.forEachRows { rows in
      for start in stride(from: 0, to: rows.count, by: width) {
        try append(Array(rows[start..<start + width]))
      }
    }
    guard isComplete else { return nil }
  }

  mutating func append(_ row: [Float]) throws {
    let index = count
    try gaussian.append(rows: row)
    if index < keptRows { rows += row }
    if case .success(let open) = file {
      // An interval is not worth losing hours of work.
      do throws(Failure) {
        try open.write(row, at: index * dimension)
      } catch {
        file = .failure(NoInterval(error))
      }
    }
  }

  /// Checks that the rows were kept for the jackknife, unless that was not asked for.
  ///
  /// - Throws: The failure of the system that prevented it.
  func checkRows() throws(Failure) {
    if case .failure(let reason) = file, let failure = reason.failure { throw failure }
  }

  /// Returns the Gaussian with its covariance factored. With no more images than dimensions, the
  /// rows themselves are the factor, because their covariance is singular.
  ///
  /// - Throws: `MetricError` `TooFewSamples` if N < 2, `NotPositiveSemidefinite` if an eigenvalue
  ///   is more negative than rounding explains, `LAPACKFailure` if a LAPACK routine fails.
  package func factored(_ mean: MeanPrecision) throws(MetricError) -> FactoredGaussian {
    count <= dimension
      ? try FactoredGaussian(rows: rows, dimension: dimension, mean: mean)
      : try FactoredGaussian(gaussian.statistics(mean: mean))
  }

  /// Returns the jackknife of the Fréchet distance from a reference.
  ///
  /// - Parameters:
  ///   - value: The squared distance of all rows.
  ///   - reference: The Gaussian to compare with, with the same D.
  ///   - mean: The precision in which the mean of the rows is summed.
  ///   - progress: Called with the number of groups done, `1...20`.
  /// - Throws: `NoInterval` with the reason if the rows were not kept or cannot be read, or the
  ///   jackknife cannot be computed.
  package func jackknife(
    of value: Double, from reference: FactoredGaussian, mean: MeanPrecision,
    progress: (Int) -> Void
  ) throws(NoInterval) -> Jackknife {
    let file = try file.get()
    do throws(MetricError) {
      return try .ofDistance(value, of: gaussian, from: reference, mean: mean, progress: progress) {
        index throws(MetricError) in try Self.rows(index..<index + 1, of: dimension, in: file)
      }
    } catch {
      throw NoInterval(reason: error.detail)
    }
  }

  /// Returns the jackknife of the Fréchet distance from another set whose rows correspond to those of this one.
  ///
  /// - Parameters:
  ///   - value: The squared distance of all rows.
  ///   - other: The other set, with the same D and as many rows.
  ///   - mean: The precision in which the means of the rows are summed.
  ///   - progress: Called with the number of groups done, `1...20`.
  /// - Throws: `NoInterval` with the reason if there are no more rows than features, the rows were not kept or cannot
  ///   be read, or the jackknife cannot be computed.
  package func pairedJackknife(
    of value: Double, from other: FeatureSet, mean: MeanPrecision, progress: (Int) -> Void
  ) throws(NoInterval) -> Jackknife {
    guard count > dimension else {
      throw NoInterval(
        reason:
          "\(count) pairs are not more than the \(dimension) features, so that rare images may not be among "
          + "them at all")
    }
    let (file, otherFile) = (try file.get(), try other.file.get())
    do throws(MetricError) {
      return try .ofPairedDistance(
        value, between: gaussian, and: other.gaussian, mean: mean, progress: progress
      ) { index throws(MetricError) in
        (
          try Self.rows(index..<index + 1, of: dimension, in: file),
          try Self.rows(index..<index + 1, of: dimension, in: otherFile)
        )
      }
    } catch {
      throw NoInterval(reason: error.detail)
    }
  }

  /// Returns the influence of every row on the Fréchet distance from a reference.
  ///
  /// - Parameters:
  ///   - reference: The Gaussian to compare with, with the same D.
  ///   - mean: The precision in which the mean of the rows is summed.
  /// - Throws: `NoInterval` with the reason if the rows were not kept or cannot be read, or the
  ///   influences cannot be computed.
  package func influence(
    on reference: FactoredGaussian, mean: MeanPrecision
  ) throws(NoInterval) -> FrechetInfluence {
    let file = try file.get()
    do throws(MetricError) {
      return try FrechetInfluence(of: factored(mean), count: count, on: reference) {
        range throws(MetricError) in try Self.rows(range, of: dimension, in: file)
      }
    } catch {
      throw NoInterval(reason: error.detail)
    }
  }

  /// Returns the errors of what directions of a distance say of the rows.
  ///
  /// - Throws: `NoInterval` with the reason if the rows were not kept or cannot be read.
  package func errors(
    along directions: FrechetDirections, mean: MeanPrecision
  ) throws(NoInterval) -> [DirectionErrors] {
    let file = try file.get()
    do throws(MetricError) {
      return try directions.errors(mean: factored(mean).mean, count: count) {
        range throws(MetricError) in try Self.rows(range, of: dimension, in: file)
      }
    } catch {
      throw NoInterval(reason: error.detail)
    }
  }

  private static func rows(
    _ range: Range<Int>, of dimension: Int, in file: ScratchFile
  ) throws(MetricError) -> [Float] {
    do throws(Failure) {
      return try file.read(at: range.lowerBound * dimension, count: range.count * dimension)
    } catch {
      throw MetricError(MetricError.Code(rawValue: error.code.rawValue), error.description)
    }
  }
}

/// The reason that a metric has no interval.
package struct NoInterval: Error {
  /// The reason, as a clause for users.
  package let reason: String
  /// The failure of the system that is the reason, such as a full disk.
  let failure: Failure?

  /// Whether the system is the reason, so that the next run may have an interval.
  package var isOfSystem: Bool { failure != nil }

  /// Creates the error with a reason.
  ///
  /// - Parameter reason: The reason, as a clause for users.
  package init(reason: String) { (self.reason, failure) = (reason, nil) }

  init(_ failure: Failure) {
    (reason, self.failure) = ("features could not be kept: \(failure)", failure)
  }
}
