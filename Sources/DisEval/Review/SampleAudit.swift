import Crypto
import Files
import Generators
import Foundation
import Images
import Results
import Sampling
import Tensors
import Work

/// A comparison of regenerated samples with a result, by hash.
///
/// It shows that the result belongs to the checkpoint and settings that it names. Only repeating
/// the whole evaluation can confirm its metrics.
public struct SampleAudit: Sendable {
  /// The indices of the regenerated samples, ascending.
  public let indices: [Int]
  /// The indices of those that differ from the result, ascending. Without ``close``.
  public let different: [Int]
  /// The indices of those that differ only as much as the generator announced, ascending: the mean
  /// brightness of each quarter differs by at most ``closeBound`` of 255.
  public let close: [Int]
  /// The largest difference of a mean that other last bits explain: a byte that is one level away, and
  /// the rounding of the mean.
  public static let closeBound = 2
  /// The code path that determined the last bits of the result.
  public let recorded: CodePath
  /// The code path of this process.
  public let now: CodePath

  /// What determines the last bits of a sample.
  public struct CodePath: Equatable, Sendable {
    /// The name and version of the tool.
    public let tool: String
    /// The instruction set and the library.
    public let kernels: String
  }

  /// Regenerates samples of a result.
  ///
  /// Samples are selected by a hash of the result, so the selection is repeatable and cannot be
  /// steered.
  ///
  /// - Parameters:
  ///   - result: A result with digests of its samples.
  ///   - count: The number of samples; all if the result has fewer.
  ///   - source: What made the result's samples, from `SampleSource.init(of:with:execution:reporter:)`.
  ///   - workload: The amount of work that runs at once.
  ///   - reporter: Receives the progress.
  /// - Throws: `Failure` (65) `NoSampleDigests` if the result has no hashes, `ResultInvalid` if
  ///   they are not valid, `SettingOutOfRange` (64) if `count` is below 1, or the error that drawing a sample throws.
  public init(
    of result: EvaluationResult, count: Int, source: SampleSource, workload: Workload = .default,
    reporter: Reporter = .silent
  ) async throws {
    guard let text = result.sampleDigests, let total = result.provenance.num else {
      throw Failure(
        .dataRefused, .noSampleDigests, "sample_digests",
        "the result is not of a checkpoint, or of an earlier version: it has no digests of its "
          + "samples; evaluate again")
    }
    guard let digests = SampleDigests(text), digests.count == total, total > 0 else {
      throw Failure(
        .dataRefused, .resultInvalid, "sample_digests",
        "expected four characters of base64 for each of \(total) samples")
    }
    guard count >= 1 else { throw Failure.outOfRange("count", count, "at least 1") }
    try workload.prepare()
    try source.checkCovers(total)
    let indices = Self.indices(count, of: total, seed: Array(text.utf8))
    let means = result.sampleMeans.flatMap(SampleMeans.init).flatMap {
      $0.count == total ? $0 : nil
    }
    var (different, close): ([Int], [Int]) = ([], [])
    var done = 0
    try await forEachInOrder(
      count: indices.count, width: workload.threads, inFlight: workload.batch
    ) { position in
      let index = indices[position]
      let image = try await source.image(at: index)
      if digests.isSame(index, SHA256.hash(data: image.pixels)) { return Agreement.same }
      let distance = means?.distance(index, image.quarterMeans) ?? .max
      return distance <= Self.closeBound ? .close : .different
    } consume: { position, agreement in
      switch agreement {
      case .same: break
      case .close: close.append(indices[position])
      case .different: different.append(indices[position])
      }
      done += 1
      reporter.progress(WorkProgress(activity: "audit", done: done, total: indices.count))
    }
    (self.indices, self.different, self.close) = (indices, different, close)
    recorded = CodePath(tool: result.provenance.tool, kernels: result.provenance.kernels)
    now = CodePath(
      tool: "\(Tool.name) \(Tool.version)",
      kernels: Tool.kernelPath(
        result.provenance.extractor.precision ?? source.sampler?.precision))
  }

  /// How a sample agrees with the recorded one.
  private enum Agreement { case same, close, different }

  /// Returns `count` different indices below `total`, ascending: those with the smallest hashes.
  private static func indices(_ count: Int, of total: Int, seed: [UInt8]) -> [Int] {
    let salt = Array(SHA256.hash(data: seed))
    func key(_ index: Int) -> [UInt8] {
      Array(SHA256.hash(data: salt + withUnsafeBytes(of: Int64(index).littleEndian, Array.init)))
    }
    let order = (0..<total).map { (key: key($0), index: $0) }
      .sorted { $0.key.lexicographicallyPrecedes($1.key) }
    return order.prefix(count).map(\.index).sorted()
  }
}
