import Crypto
import Files
import Foundation
import Images
import Results
import Sampling
import Tensors
import Work

/// Samples of a result that were made again, and compared with it by hash.
///
/// It says that the result is of the checkpoint and the settings that it names. What the metrics of
/// these samples are, only repeating all of it says.
public struct SampleAudit: Sendable {
  /// The samples that were made again, ascending.
  public let indices: [Int]
  /// Those of them that are not as the result says, ascending.
  public let different: [Int]
  /// What decided the last bits of the result.
  public let recorded: CodePath
  /// What decided those of this process.
  public let now: CodePath

  /// What decides the last bits of a sample.
  public struct CodePath: Equatable, Sendable {
    /// Name and version of the tool.
    public let tool: String
    /// Instruction set and library.
    public let kernels: String
  }

  /// Makes samples of a result again.
  ///
  /// A hash of the result chooses them: nobody else does, and the same result is asked the same again.
  ///
  /// - Parameters:
  ///   - count: How many; all of a result that has fewer.
  ///   - generator: The result's, ``Generator/init(of:checkpoint:decoder:)``.
  /// - Throws: `Failure` `NoSampleDigests` (65) for a result that has none, `ResultInvalid`.
  public init(
    of result: EvaluationResult, count: Int, generator: Generator, workload: Workload,
    reporter: Reporter
  ) async throws {
    guard let text = result.sampleDigests, let total = result.provenance.num else {
      throw Failure(
        .dataRefused, .noSampleDigests, "sample_digests",
        "the result is of no checkpoint, or of an earlier version: it does not say what its samples "
          + "are one by one; evaluate again")
    }
    guard let digests = SampleDigests(text), digests.count == total, total > 0 else {
      throw Failure(
        .dataRefused, .resultInvalid, "sample_digests",
        "expected four characters of base64 for each of \(total) samples")
    }
    try workload.prepare()
    try generator.checkCovers(total)
    let indices = Self.indices(count, of: total, seed: Array(text.utf8))
    var different: [Int] = []
    var done = 0
    try await forEachInOrder(
      count: indices.count, width: workload.threads, inFlight: workload.batch
    ) { position in
      let index = indices[position]
      let image = try generator.image(try generator.sample(index), index: index)
      return digests.isSame(index, SHA256.hash(data: image.pixels))
    } consume: { position, isSame in
      if !isSame { different.append(indices[position]) }
      done += 1
      reporter.progress(WorkProgress(activity: "audit", done: done, total: indices.count))
    }
    (self.indices, self.different) = (indices, different)
    recorded = CodePath(tool: result.provenance.tool, kernels: result.provenance.kernels)
    now = CodePath(
      tool: "\(Tool.name) \(Tool.version)",
      kernels: Tool.kernelPath(
        result.provenance.extractor.precision ?? generator.provenance.precision))
  }

  /// `count` different indices below `total`, ascending: those whose hash with the seed is least.
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
