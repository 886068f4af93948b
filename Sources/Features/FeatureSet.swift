import Files
import Foundation
import GenerativeMetrics

/// Features of one kind, taken in index order.
package struct FeatureSet {
  package let dimension: Int
  package private(set) var gaussian: GaussianAccumulator
  /// The first rows, `[min(count, kept), D]`.
  package private(set) var rows: [Float] = []
  private let keptRows: Int
  /// All rows, `[count, D]`, for the jackknife, or why there are none.
  private var file: Result<ScratchFile, NoInterval>

  var count: Int { gaussian.count }

  /// - Parameters:
  ///   - keptRows: Rows to keep, at least `D` of them: see ``factored(_:)``.
  ///   - intervals: Whether the jackknife will be wanted.
  init(dimension: Int, keptRows: Int, intervals: Bool) {
    self.dimension = dimension
    self.keptRows = max(keptRows, dimension)
    gaussian = GaussianAccumulator(dimension: dimension)
    file =
      intervals
      ? Result { () throws(Failure) in
        try ScratchFile(folder: FileManager.default.temporaryDirectory.path)
      }.mapError { NoInterval($0) }
      : .failure(NoInterval(reason: "not asked for"))
  }

  mutating func append(_ row: [Float]) throws {
    let index = count
    try gaussian.append(rows: row)
    if index < keptRows { rows += row }
    if case .success(let open) = file {
      // Hours of work are not lost for an interval.
      do throws(Failure) {
        try open.write(row, at: index * dimension)
      } catch {
        file = .failure(NoInterval(error))
      }
    }
  }

  /// The Gaussian, its covariance factored. With no more images than dimensions the few rows are the
  /// factor: their covariance is singular.
  package func factored(_ mean: MeanPrecision) throws(MetricError) -> FactoredGaussian {
    count <= dimension
      ? try FactoredGaussian(rows: rows, dimension: dimension, mean: mean)
      : try FactoredGaussian(gaussian.statistics(mean: mean))
  }

  /// The jackknife of the distance from `reference`, which is `value`.
  package func jackknife(
    of value: Double, from reference: FactoredGaussian, mean: MeanPrecision,
    progress: (Int) -> Void
  ) throws(NoInterval) -> Jackknife {
    let file = try file.get()
    do throws(MetricError) {
      return try .ofDistance(value, of: gaussian, from: reference, mean: mean, progress: progress) {
        index throws(MetricError) in
        do throws(Failure) {
          return try file.read(at: index * dimension, count: dimension)
        } catch {
          throw MetricError(MetricError.Code(rawValue: error.code.rawValue), error.description)
        }
      }
    } catch {
      throw NoInterval(reason: error.detail)
    }
  }
}

/// Why a metric has no interval.
package struct NoInterval: Error {
  package let reason: String

  package init(reason: String) { self.reason = reason }

  init(_ failure: Failure) { reason = "features could not be kept: \(failure)" }
}
