import Files
import Foundation
import Results

/// The evaluations of one line of a drawing.
struct ScalingLine {
  /// The name shown next to the line; empty if there is only one.
  var name: String
  var entries: [LedgerEntry]
}

/// A rule that divides evaluations into lines, so that different models are not averaged unless
/// requested.
///
/// If several evaluations are at one place, a line goes through their mean. That is correct for
/// ranges of seeds of one checkpoint. For different checkpoints it is correct only if they were
/// trained by one recipe, which a ledger does not record; each folder of checkpoints is then a
/// separate line.
struct ScalingLines {
  let x: ScalingAxis
  let metric: String
  /// Whether different checkpoints at one place are runs of one training recipe with different
  /// seeds.
  let averagesSeeds: Bool

  /// Returns the lines of a family, divided by folder if the family has different models at one
  /// place or trainings that overlap.
  func lines(_ name: String, _ entries: [LedgerEntry]) -> [ScalingLine] {
    let folders = Dictionary(grouping: entries, by: \.folder)
    guard !averagesSeeds, clash(entries) != nil || overlap(Array(folders.values)) else {
      return [ScalingLine(name: name, entries: entries)]
    }
    let parts = distinctParts(Array(folders.keys))
    let lines = folders.sorted { $0.key < $1.key }.map { folder, entries in
      ScalingLine(
        name: [name, parts[folder] ?? folder].filter { !$0.isEmpty }.joined(separator: ", "),
        entries: entries)
    }
    // A line that connects different models would be lost.
    let isOfModels =
      placeCount(entries) > 1 && lines.allSatisfy { placeCount($0.entries) == 1 }
    return lines.count == 1 || isOfModels ? [ScalingLine(name: name, entries: entries)] : lines
  }

  /// Returns whether the places of two folders overlap along the training of one architecture,
  /// where each folder is a line.
  private func overlap(_ folders: [[LedgerEntry]]) -> Bool {
    guard x.freedSettings.isEmpty else { return false }
    let extents = folders.compactMap { entries -> (low: Double, high: Double)? in
      let places = entries.compactMap { x.value(of: $0) }
      guard let low = places.min(), let high = places.max(), low < high else { return nil }
      return (low, high)
    }.sorted { $0.low < $1.low }
    return zip(extents, extents.dropFirst()).contains { $0.high > $1.low }
  }

  private func placeCount(_ entries: [LedgerEntry]) -> Int {
    Set(entries.compactMap { x.value(of: $0) }).count
  }

  /// Returns what cannot be averaged in a line, as a clause; nil if everything can.
  func clash(_ entries: [LedgerEntry]) -> String? {
    for (place, entries) in places(entries) {
      let models = Dictionary(grouping: entries, by: \.modelIdentity)
      if models.count > 1, !averagesSeeds {
        let names = models.values.map { $0[0].checkpoint ?? $0[0].name }.sorted()
        return "\(models.count) different models at \(x.rawValue) \(tickText(place)): "
          + names.prefix(4).joined(separator: ", ") + (names.count > 4 ? ", …" : "")
      }
      for same in models.values {
        for seed in Dictionary(grouping: same, by: { $0.sampler?.seed }).values {
          let values = seed.compactMap { $0.metrics[metric]?.value }
          guard let low = values.min(), let high = values.max() else { continue }
          // A different machine or version may change the last digits.
          if high - low > 1e-3 * max(abs(low), abs(high)) {
            return
              "'\(seed[0].name)' of one seed has \(metric) \(low) and \(high) at \(x.rawValue) "
              + "\(tickText(place)), by settings that a ledger does not hold"
          }
        }
      }
    }
    return nil
  }

  /// Returns what lines average, for the notes; nil if no place has several evaluations.
  func averaged(_ lines: [ScalingLine]) -> String? {
    let places = lines.flatMap { self.places($0.entries) }.map(\.1)
    func largest(_ identity: (LedgerEntry) -> String) -> Int {
      places.map { Set($0.map(identity)).count }.max() ?? 1
    }
    let models = largest(\.modelIdentity)
    if models > 1 { return averagesSeeds ? nil : "\(models) models" }
    let seeds = largest { "\($0.sampler?.seed ?? 0)" }
    return seeds > 1 ? "\(seeds) seeds" : nil
  }

  private func places(_ entries: [LedgerEntry]) -> [(Double, [LedgerEntry])] {
    Dictionary(grouping: entries.filter { x.value(of: $0) != nil }) { x.value(of: $0) ?? 0 }
      .sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }

  private func tickText(_ place: Double) -> String {
    place == place.rounded() && abs(place) < 1e15 ? String(Int(place)) : "\(place)"
  }
}

extension LedgerEntry {
  /// The identity of the model: the hash of its checkpoint, or otherwise its path or key.
  var modelIdentity: String { checkpointSha256 ?? checkpoint ?? key }

  /// The folder of the checkpoint.
  fileprivate var folder: String {
    checkpoint.map { ($0 as NSString).deletingLastPathComponent } ?? ""
  }
}

/// Returns the components of each path that are between the ones that all paths begin and end with.
private func distinctParts(_ paths: [String]) -> [String: String] {
  let components = paths.map { $0.split(separator: "/").map(String.init) }
  let shortest = components.map(\.count).min() ?? 0
  func isShared(_ part: ([String]) -> String) -> Bool { Set(components.map(part)).count == 1 }
  let head = (0..<shortest).prefix { index in isShared { $0[index] } }.count
  let tail = (0..<(shortest - head)).prefix { index in isShared { $0[$0.count - 1 - index] } }.count
  return Dictionary(
    zip(paths, components.map { $0.dropFirst(head).dropLast(tail).joined(separator: "/") })
  ) { first, _ in first }
}
