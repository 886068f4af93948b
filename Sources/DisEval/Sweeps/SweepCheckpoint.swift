import Checkpoints
import Files
import Foundation
import Results

/// A checkpoint of a sweep, which has a row in the table for each range of seeds.
public struct SweepCheckpoint: Sendable {
  /// The path of the file, or the command of a generator.
  public var path: String
  /// The words of the command of a generator, which is run; nil for a checkpoint.
  public var generator: [String]?
  /// The name of the row.
  public var name: String
  /// The name shared by rows that belong together; nil for the model's variant.
  public var family: String?
  /// What is known about the training.
  public var training: TrainingFacts
  /// Whether name, family and training were given in a list rather than found.
  public var isListed: Bool

  /// Creates a checkpoint about which only its path is known.
  public init(path: String) {
    self.path = path
    name = stem(path)
    training = TrainingFacts()
    isListed = false
  }

  /// Returns the files that match `patterns`, sorted by the training step in their names, then by
  /// name.
  ///
  /// - Parameter patterns: Paths, or shell patterns of paths.
  /// - Throws: `Failure` `NotFound` (66) if no file matches a pattern; `DuplicateName` (65) if two
  ///   files cannot be distinguished by their names.
  public static func matching(_ patterns: [String]) throws -> [SweepCheckpoint] {
    let paths = try matchingFiles(
      patterns, expected: "checkpoints, or a pattern such as 'checkpoints/*.pt'")
    var checkpoints = paths.map(SweepCheckpoint.init(path:))
    let isUnique = Set(checkpoints.map(\.name)).count == checkpoints.count
    for index in checkpoints.indices {
      if !isUnique { checkpoints[index].name = withoutExtension(checkpoints[index].path) }
      checkpoints[index].training.step = step(inFileName: checkpoints[index].path)
      if checkpoints[index].training.step != nil {
        checkpoints[index].training.stepFrom = "file name"
      }
    }
    try check(checkpoints.map { ($0.name, $0.path) })
    return checkpoints.sorted {
      ($0.training.step ?? -1, $0.name) < ($1.training.step ?? -1, $1.name)
    }
  }

  static func check(_ names: [(name: String, place: String)]) throws(Failure) {
    var first: [String: String] = [:]
    for (name, place) in names {
      if let other = first.updateValue(place, forKey: name) {
        throw Failure(
          .dataRefused, .duplicateName, place,
          "\(other) has the name '\(name)' too; rows are distinguished by their names")
      }
    }
  }

  /// Returns the training step in a checkpoint's name, such as `0400000.pt`, `step-400000` or
  /// `ckpt_400k`; nil for other names.
  package static func step(inFileName path: String) -> Int? {
    let name = stem(path).lowercased()
    if name.allSatisfy(\.isASCIIDigit) { return Int(name) }
    let pattern =
      /(?:^|[^a-z])(?:steps?|iter|iterations?|ckpt|checkpoint)[-_=]?([0-9]+)([km]?)(?![a-z0-9])/
    let found = name.matches(of: pattern)
    guard found.count == 1, let number = Int(found[0].1) else { return nil }
    let factor = ["": 1, "k": 1_000, "m": 1_000_000][found[0].2] ?? 1
    let (product, overflow) = number.multipliedReportingOverflow(by: factor)
    return overflow ? nil : product
  }

  /// Returns the checkpoint, with the step stored in its file if no other is known.
  func completed() -> SweepCheckpoint {
    guard training.step == nil, generator == nil, let file = try? CheckpointFile.open(path) else {
      return self
    }
    var checkpoint = self
    for key in ["train_steps", "global_step", "step", "steps", "iteration"] {
      guard let step = file.integers[key], step >= 0 else { continue }
      (checkpoint.training.step, checkpoint.training.stepFrom) = (step, "checkpoint '\(key)'")
      break
    }
    return checkpoint
  }

  private static func withoutExtension(_ path: String) -> String {
    String(path.dropLast(lastComponent(path).count - stem(path).count))
  }
}

extension Character {
  fileprivate var isASCIIDigit: Bool { isASCII && isNumber }
}
