import CKernels
import Files
import Foundation
import Tensors

/// How far a long piece of work has come.
public struct WorkProgress: Equatable, Sendable {
  /// What is being done, such as `sampling`.
  public let activity: String
  /// Images or bytes finished.
  public let done: Int
  /// Images or bytes in all.
  public let total: Int
  /// What is counted.
  public let unit: Unit
  /// Of ``done``, what an earlier run had done: it says nothing of the speed of this one.
  public let doneBefore: Int

  /// What ``done`` and ``total`` count.
  public enum Unit: Sendable { case images, bytes }

  /// Notes how far `activity` has come.
  public init(
    activity: String, done: Int, total: Int, unit: Unit = .images, doneBefore: Int = 0
  ) {
    (self.activity, self.done, self.total, self.unit) = (activity, done, total, unit)
    self.doneBefore = doneBefore
  }
}

/// Where the pipeline reports what is for people: progress, and warnings that are also recorded in
/// the result.
public struct Reporter: Sendable {
  /// Called after each image, or a few times a second.
  public let progress: @Sendable (WorkProgress) -> Void
  /// Called once per warning.
  public let warn: @Sendable (String) -> Void
  /// Called for what is good to know and stands in no result.
  public let note: @Sendable (String) -> Void

  /// Makes a reporter.
  public init(
    progress: @escaping @Sendable (WorkProgress) -> Void,
    warn: @escaping @Sendable (String) -> Void,
    note: @escaping @Sendable (String) -> Void = { _ in }
  ) {
    self.progress = progress
    self.warn = warn
    self.note = note
  }

  /// Reports to nobody.
  public static let silent = Reporter(progress: { _ in }, warn: { _ in })
}

/// How much runs at once. None of it ever changes a byte of any result.
public struct Workload: Sendable {
  /// Workers, each on its own images with single-threaded kernels.
  public let threads: Int
  /// Images in flight: those being made and those that wait for their turn.
  public let batch: Int

  /// Makes a workload; both at least 1.
  public init(threads: Int, batch: Int) {
    self.threads = max(1, threads)
    self.batch = max(1, batch)
  }

  /// Makes sure that the kernels asked for are there, and memory for the matrix products of all
  /// workers; from then on, memory that comes and goes stays with the process.
  ///
  /// - Throws: `Failure` `UnknownKernels`, `KernelsUnavailable` or `OutOfMemory`.
  func prepare() throws(Failure) {
    if let wish = ProcessInfo.processInfo.environment["DIS_EVAL_KERNELS"] {
      guard knownInstructionSets.contains(where: { $0.name == wish }) else {
        throw Failure(
          .usage, "UnknownKernels", "DIS_EVAL_KERNELS=\(wish)",
          "expected one of \(knownInstructionSets.map(\.name).joined(separator: ", "))")
      }
      guard wish == kernelInstructionSet else {
        throw Failure(
          .unavailable, "KernelsUnavailable", "DIS_EVAL_KERNELS=\(wish)",
          "this processor has no such instructions; it has "
            + knownInstructionSets.filter(\.isAvailable).map(\.name).joined(separator: ", "))
      }
    }
    dis_keep_freed_memory()
    guard prepareLinearAlgebra(callers: threads) else {
      throw Failure(
        .outOfMemory, "OutOfMemory", "--threads \(threads)",
        "OpenBLAS needs 128 MiB for every worker, which the system does not give; use fewer "
          + "threads or raise the limit")
    }
  }
}
