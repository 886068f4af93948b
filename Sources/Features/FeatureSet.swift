import Checkpoints
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
  /// All rows, `[N, D]`, for the errors, or the reason there are none.
  private var stored: Result<StoredRows, NoInterval>

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
    stored =
      intervals
      ? Result { () throws(Failure) in
        .written(try ScratchFile(folder: FileManager.default.temporaryDirectory.path))
      }.mapError { NoInterval($0) }
      : .failure(NoInterval(reason: "not asked for"))
  }

  /// Takes the feature rows of statistics. Rows that can be read from their file at any place stay there.
  ///
  /// - Returns: Nil if the statistics do not have the rows of all their images.
  /// - Throws: The failure of reading the rows; `MetricError` `NonFinite` if they contain NaN or infinity.
  package init?(of statistics: ReferenceStatistics) throws {
    let width = statistics.dimension
    if let reader = try statistics.rowReader() {
      try self.init(dimension: width, keptRows: 0, intervals: false)
      let count = reader.shape[0]
      func rows(_ range: Range<Int>) throws -> [Float] {
        try reader.floats(range.lowerBound * width..<range.upperBound * width)
      }
      stored = .success(.inFile(reader))
      gaussian =
        try statistics.accumulated
        ?? GaussianAccumulator(dimension: width, count: count, rows: rows)
      self.rows = try rows(0..<min(count, width))
      return
    }
    try self.init(dimension: width, keptRows: 0, intervals: true)
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
    if case .success(.written(let file)) = stored {
      // An interval is not worth losing hours of work.
      do throws(Failure) {
        try file.write(row, at: index * dimension)
      } catch {
        stored = .failure(NoInterval(error))
      }
    }
  }

  /// Checks that the rows were kept for the jackknife, unless that was not asked for.
  ///
  /// - Throws: The failure of the system that prevented it.
  func checkRows() throws(Failure) {
    if case .failure(let reason) = stored, let failure = reason.failure { throw failure }
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

  /// Returns what the error of the Fréchet distance from a reference follows from.
  ///
  /// - Parameters:
  ///   - value: The squared distance of all rows.
  ///   - reference: The Gaussian to compare with, with the same D.
  ///   - mean: The precision in which the mean of the rows is summed.
  ///   - progress: Called with the number of groups of the jackknife done, `1...20`.
  /// - Throws: `NoInterval` with the reason if the rows were not kept or cannot be read, or the
  ///   errors cannot be computed.
  package func errors(
    of value: Double, from reference: FactoredGaussian, mean: MeanPrecision,
    progress: (Int) -> Void
  ) throws(NoInterval) -> FrechetErrors {
    let stored = try stored.get()
    do throws(MetricError) {
      return try FrechetErrors(
        of: value, gaussian, from: reference, mean: mean, progress: progress
      ) { range throws(MetricError) in try stored.rows(range, of: dimension) }
    } catch {
      throw NoInterval(reason: error.detail)
    }
  }

  /// Returns the jackknife of the Fréchet distance from a reference, without the influence of each row.
  ///
  /// - Parameters and errors: as for ``errors(of:from:mean:progress:)``.
  package func jackknife(
    of value: Double, from reference: FactoredGaussian, mean: MeanPrecision,
    progress: (Int) -> Void
  ) throws(NoInterval) -> Jackknife {
    let stored = try stored.get()
    do throws(MetricError) {
      return try .ofDistance(value, of: gaussian, from: reference, mean: mean, progress: progress) {
        index throws(MetricError) in try stored.rows(index..<index + 1, of: dimension)
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
    let (stored, others) = (try stored.get(), try other.stored.get())
    do throws(MetricError) {
      return try .ofPairedDistance(
        value, between: gaussian, and: other.gaussian, mean: mean, progress: progress
      ) { index throws(MetricError) in
        (
          try stored.rows(index..<index + 1, of: dimension),
          try others.rows(index..<index + 1, of: dimension)
        )
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
    let stored = try stored.get()
    do throws(MetricError) {
      return try directions.errors(mean: factored(mean).mean, count: count) {
        range throws(MetricError) in try stored.rows(range, of: dimension)
      }
    } catch {
      throw NoInterval(reason: error.detail)
    }
  }

}

/// Where the rows of a set are.
private enum StoredRows {
  /// In a temporary file, in which they were written.
  case written(ScratchFile)
  /// In the file of which they were read.
  case inFile(NPYReader)

  /// Returns the features `[n, D]` of a range of rows.
  ///
  /// - Throws: The failure of reading the file, as the error of a metric.
  func rows(_ range: Range<Int>, of dimension: Int) throws(MetricError) -> [Float] {
    let (first, count) = (range.lowerBound * dimension, range.count * dimension)
    do throws(Failure) {
      switch self {
      case .written(let file): return try file.read(at: first, count: count)
      case .inFile(let reader): return try reader.floats(first..<first + count)
      }
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
