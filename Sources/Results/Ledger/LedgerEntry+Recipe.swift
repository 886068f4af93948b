import Files
import Foundation

extension [LedgerEntry] {
  /// Returns the paths of the results of a recipe's trainings.
  ///
  /// - Parameters:
  ///   - name: The name or the family of the entries.
  ///   - trainingStep: The training step of the checkpoints; nil if all have the same.
  ///   - subject: The path of the ledger, for the paths and for messages.
  /// - Throws: `Failure` `NotFound` (66) if no entry has the name, or `NotComparable` (65) if an entry has no result
  ///   or the entries are of different training steps.
  package func results(
    of name: String, trainingStep: Int?, subject: String
  ) throws(Failure) -> [String] {
    let named = filter { $0.name == name || $0.family == name }
    guard !named.isEmpty else {
      let names = Set(flatMap { [$0.family, $0.name].compactMap(\.self) }).sorted()
      throw Failure(
        .inputMissing, .notFound, subject,
        "no entry has the name or family '\(name)'; found \(names.prefix(8).joined(separator: ", "))"
          + (names.count > 8 ? ", …" : ""))
    }
    func steps(_ entries: [LedgerEntry]) -> String {
      Set(entries.compactMap { $0.training?.step }).sorted().map(String.init)
        .joined(separator: ", ")
    }
    let chosen = named.filter { trainingStep == nil || $0.training?.step == trainingStep }
    guard !chosen.isEmpty else {
      throw Failure(
        .inputMissing, .notFound, subject,
        "'\(name)' has no checkpoint of training step \(trainingStep ?? 0); found \(steps(named))")
    }
    guard Set(chosen.map { $0.training?.step }).count == 1 else {
      throw Failure(
        .dataRefused, .notComparable, subject,
        "'\(name)' has checkpoints of the training steps \(steps(chosen)); choose one with `trainingStep`"
      )
    }
    let folder = (subject as NSString).deletingLastPathComponent
    var paths: [String] = []
    for entry in chosen {
      guard let result = entry.result else {
        throw Failure(
          .dataRefused, .notComparable, subject,
          "the entry of '\(entry.name)' does not name its result, which has what a comparison needs"
        )
      }
      paths.append((folder as NSString).appendingPathComponent(result))
    }
    return paths
  }
}
