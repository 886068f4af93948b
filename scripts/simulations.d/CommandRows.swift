import Checkpoints
import Foundation
import GenerativeMetrics

/// Writes sets of samples for the command line, and the verdicts of this program on them, so that `command.py`
/// can compare the two.
struct CommandRows {
  static let count = 1000
  static let damages = [Damage.none, .missing, .wider]

  /// Writes `reference.npz`, `REPEAT-baseline.npz`, `REPEAT-other.npz`, `REPEAT-INDEX.npz` for each damage, and
  /// `verdicts.tsv`.
  static func write(to folder: String, _ settings: Settings) async throws {
    let world = try Mixture(dimension: 64, referenceCount: 20, seed: settings.seed)
    let dimension = 64
    try NPZ.write(
      [
        ("mu", NPYArray(doubles: [Double](repeating: 0, count: dimension), shape: [dimension])),
        ("sigma", NPYArray(doubles: world.covariance, shape: [dimension, dimension])),
      ], to: "\(folder)/reference.npz")
    let lines = try await repeated(settings.repeats, threads: settings.threads) { index in
      // The numbers of the first repeats of the table of power.
      var draws = Draws(seed: settings.seed, "power 64 \(count) false", index)
      let (noise, other) = (
        world.noise(count: count, &draws), world.noise(count: count, &draws)
      )
      func scores(_ rows: [Float], _ name: String) throws -> Scores {
        try NPZ.write(
          [("features", NPYArray(floats: rows, shape: [count, dimension]))],
          to: "\(folder)/\(index)-\(name).npz")
        return try Scores(rows, world.reference, compared: nil)
      }
      let (baseline, unpaired) = (
        try scores(world.baseline(noise), "baseline"), try scores(world.baseline(other), "other")
      )
      return try damages.enumerated().map { number, damage in
        let trial = try Power.Trial(
          scores(world.candidate(damage, noise), "\(number)"), baseline: baseline, other: unpaired)
        let verdicts = [trial.paired, trial.independent].map {
          $0[Scores.distance] == true ? "worse" : "not worse"
        }
        return "\(index)\t\(number)\t\(damage.rawValue)\t\(verdicts.joined(separator: "\t"))\n"
      }.joined()
    }
    try lines.joined().write(
      toFile: "\(folder)/verdicts.tsv", atomically: true, encoding: .utf8)
  }
}
