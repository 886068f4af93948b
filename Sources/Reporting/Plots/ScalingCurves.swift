import Files
import Foundation
import Results

/// A recipe for a drawing of evaluations.
public struct ScalingCurves: Sendable {
  /// The quantity that evaluations are plotted against.
  public var x: ScalingAxis
  /// The metric; nil for `fid`, or `fd` if there is no `fid`.
  public var y: String?
  /// The setting that distinguishes families; nil for a single family.
  public var family: Setting?
  /// The settings that must agree although the family allows them to differ.
  public var pinned: Set<Setting> = []
  /// The law to fit.
  public var fit: FitName
  /// The title; nil for one that names the metric and the axis.
  public var title: String?
  /// Whether evaluations that are not comparable are drawn, with a note in the drawing.
  public var allowsMixed = false
  /// Whether different checkpoints at one place are trainings of one recipe with different seeds. Then
  /// their mean is drawn, with an interval that includes retraining.
  public var averagesSeeds = false
  /// The value up to which laws are drawn beyond the points.
  public var until: Double?
  /// Whether both axes are linear.
  public var isLinear = false
  /// Whether to draw the values of distances even if all of them have debiased values.
  public var plugIn = false

  /// Creates a recipe for a single family on logarithmic axes.
  ///
  /// - Parameters:
  ///   - x: The quantity that evaluations are plotted against.
  ///   - fit: The law to fit.
  public init(x: ScalingAxis, fit: FitName) { (self.x, self.fit) = (x, fit) }

  /// Returns the drawing of evaluations by this recipe.
  ///
  /// - Parameter entries: The evaluations; those without the metric or a place on the axis are left
  ///   out.
  /// - Throws: ``Failure`` (65) `MetricMissing` if no evaluation has the metric, `NothingToPlot` if
  ///   none has a place on the axis, `MixedSettings` if their settings differ, or `MixedModels` if
  ///   different models would be averaged; the last two only unless ``allowsMixed``.
  public func plot(_ entries: [LedgerEntry]) throws(Failure) -> Plot {
    let metric = try metric(of: entries)
    let found = try drawn(entries, metric)
    let isDebiased = !plugIn && found.allSatisfy { $0.metrics[metric]?.debiased != nil }
    let drawn = isDebiased ? found.map { $0.debiased(metric) } : found
    let mixed = try mixedSettings(drawn, metric)
    let families = Dictionary(grouping: drawn) { entry in
      family.flatMap { $0.value(of: entry) } ?? (family == nil ? "" : "unknown")
    }
    let divider = ScalingLines(x: x, metric: metric, averagesSeeds: averagesSeeds)
    let lines = families.flatMap { divider.lines($0.key, $0.value) }
      .sorted { Self.rank($0.name) < Self.rank($1.name) }
    let clashes = try clashes(of: lines, divider)
    let isLogarithmic =
      !isLinear && x.isLogarithmic
      && drawn.allSatisfy { $0.metrics[metric].map { $0.value > 0 } ?? false }
    let counts = Set(drawn.map(\.num))
    let score = Drawn(
      metric: metric,
      name: paperName(ofMetric: metric, count: counts.count == 1 ? counts.first ?? nil : nil)
        + (isDebiased ? ", debiased" : ""), arePositive: isLogarithmic)
    let fits = lines.map { fitted($0, score) }
    let series = fits.map(\.series)
    let hasLaw = series.contains { $0.law != nil }

    var notes = [common(drawn)] + (mixed + clashes).map { "Not comparable: \($0)" }
    if lines.count > families.count { notes.append(Self.dividedNote) }
    notes +=
      divider.averaged(lines).map {
        ["Where several evaluations are at one place, lines show the mean of \($0)."]
      } ?? []
    notes += fits.flatMap(\.notes) + intervalNotes(series)
    notes += retrainingNotes(fits.map(\.means), series)
    notes += [x.explanation].compactMap(\.self)
    if entries.count > drawn.count {
      notes.append(
        "\(entries.count - drawn.count) of \(entries.count) evaluations do not say \(x.rawValue) or \(metric)."
      )
    }
    let isHigherBetter = drawn[0].metrics[metric]?.higherIsBetter == true
    var plot = Plot(
      title ?? "\(score.name) by \(x.rawValue.replacing("-", with: " "))",
      x: Plot.Axis(x.label(isOfLaw: hasLaw), isLogarithmic: x.isLogarithmic && !isLinear),
      y: Plot.Axis("\(score.name) \(isHigherBetter ? "↑" : "↓")", isLogarithmic: isLogarithmic),
      series: series, notes: notes)
    if let until, hasLaw {
      plot.extent = until...until
      plot.notes.append("Dotted lines are extrapolation: no evaluation is there.")
    }
    return plot
  }
}

extension LedgerEntry {
  /// Returns the entry with the debiased value of a metric in place of its value.
  fileprivate func debiased(_ metric: String) -> LedgerEntry {
    var entry = self
    guard var score = metrics[metric], let value = score.debiased else { return self }
    (score.value, score.interval) = (value, score.debiasedInterval)
    entry.metrics[metric] = score
    return entry
  }
}

// MARK: - What is drawn

extension ScalingCurves {
  /// Returns the metric to draw.
  private func metric(of entries: [LedgerEntry]) throws(Failure) -> String {
    let names = Set(entries.flatMap(\.metrics.keys))
    let distances = MetricTitle.fid.alternatives.map(\.rawValue)
    guard let found = y ?? distances.first(where: names.contains), names.contains(found) else {
      throw Failure(
        .dataRefused, .metricMissing, y ?? "fid",
        "no evaluation has it; found \(names.sorted().joined(separator: ", ")); choose with `y`")
    }
    return found
  }

  /// Returns the evaluations that have a place on the axis and the metric.
  private func drawn(
    _ entries: [LedgerEntry], _ metric: String
  ) throws(Failure) -> [LedgerEntry] {
    let drawn = entries.filter { x.value(of: $0) != nil && $0.metrics[metric] != nil }
    guard !drawn.isEmpty else {
      throw Failure(
        .dataRefused, .nothingToPlot, x.rawValue,
        "none of \(entries.count) evaluation\(entries.count == 1 ? "" : "s") records it"
          + (x == .trainingSteps ? "; give steps with the list of the sweep" : "")
          + (x == .samplingCompute
            ? "; results of 0.4.0 and before do not say how often guidance evaluated the network"
            : ""))
    }
    return drawn
  }

  /// Returns the settings that differ and should not, with a clause for each.
  private func mixedSettings(
    _ entries: [LedgerEntry], _ metric: String
  ) throws(Failure) -> [String] {
    let free = x.freedSettings.union(family?.freed ?? []).subtracting(pinned)
    let mixed = Setting.compared.filter { !free.contains($0) }.compactMap { setting -> String? in
      let values = Set(entries.compactMap { setting.value(of: $0) }).sorted()
      guard values.count > 1 else { return nil }
      return "\(setting.rawValue): "
        + values.prefix(4).joined(separator: ", ") + (values.count > 4 ? ", …" : "")
    }
    guard mixed.isEmpty || allowsMixed else {
      throw Failure(
        .dataRefused, .mixedSettings, metric,
        "are not comparable: " + mixed.joined(separator: "; ")
          + "; choose evaluations that agree, or `family`, or `allowsMixed`, which the drawing says"
      )
    }
    return mixed
  }

  /// Returns what cannot be averaged in the lines, with a clause for each such line.
  private func clashes(
    of lines: [ScalingLine], _ divider: ScalingLines
  ) throws(Failure) -> [String] {
    let clashes = lines.compactMap { divider.clash($0.entries) }.sorted()
    guard clashes.isEmpty || allowsMixed else {
      throw Failure(
        .dataRefused, .mixedModels, divider.metric,
        "cannot be averaged: " + clashes.prefix(4).joined(separator: "; ")
          + "; choose evaluations, or `family`, or `averagesSeeds` if the models are seeds of one recipe, "
          + "or `allowsMixed`, which the drawing says")
    }
    return clashes
  }

  /// Returns a sort key: the text before the first number, then the number: 0.06, 0.1, 16.
  private static func rank(_ name: String) -> (String, Double, String) {
    guard let number = name.firstMatch(of: /[0-9]+(?:\.[0-9]+)?/) else { return (name, 0, name) }
    return (String(name[..<number.range.lowerBound]), Double(number.output) ?? 0, name)
  }
}

// MARK: - Series

extension ScalingCurves {
  /// What is drawn of each evaluation.
  private struct Drawn {
    /// The name of the metric in results.
    let metric: String
    /// Its name on the axis.
    let name: String
    /// Whether intervals that reach 0 are left out, because the axis is logarithmic.
    let arePositive: Bool
  }

  /// A series with its notes.
  private struct Fitted {
    var series: Plot.Series
    /// What describes the law or says why there is none, and what the means say.
    var notes: [String]
    /// The means of trainings.
    var means: [TrainingMean]
  }

  /// Returns the series of a line with its law.
  private func fitted(_ line: ScalingLine, _ score: Drawn) -> Fitted {
    let places = Dictionary(grouping: line.entries.filter { x.value(of: $0) != nil }) {
      x.value(of: $0) ?? 0
    }
    var (points, fitted, means): ([Plot.Point], [Plot.Point], [TrainingMean]) = ([], [], [])
    for (place, entries) in places.sorted(by: { $0.key < $1.key }) {
      let single = averagesSeeds ? Training.trainings(entries, score.metric) : []
      if let mean = TrainingMean(single) {
        let trainings = single.map {
          point($0.name, place, $0.value, $0.interval, score, .training)
        }
        points +=
          trainings + [
            point("mean of \(mean.count) trainings", place, mean.value, mean.interval, score, .mean)
          ]
        fitted += trainings
        means.append(mean)
      } else {
        let evaluations = entries.compactMap { entry -> Plot.Point? in
          guard let found = entry.metrics[score.metric], found.value.isFinite else { return nil }
          return point(entry.name, place, found.value, found.interval, score, .evaluation)
        }
        points += evaluations
        fitted += evaluations
      }
    }
    let (law, note) = law(fitted.map { ($0.x, $0.y) }, score.name)
    let notes = [note, TrainingMean.deviations(means)].compactMap(\.self)
    return Fitted(
      series: Plot.Series(line.name, points: points, law: law),
      notes: notes.map { (line.name.isEmpty ? "" : "\(line.name): ") + $0 }, means: means)
  }

  private func point(
    _ name: String, _ place: Double, _ value: Double, _ interval: ClosedRange<Double>?,
    _ score: Drawn, _ kind: Plot.Point.Kind
  ) -> Plot.Point {
    let shown = interval.flatMap { $0.lowerBound > 0 || !score.arePositive ? $0 : nil }
    return Plot.Point(name, x: place, y: value, interval: shown, kind: kind)
  }

  private func law(
    _ points: [(x: Double, y: Double)], _ name: String
  ) -> (PowerLaw?, String?) {
    guard fit != .none else { return (nil, nil) }
    do throws(PowerLaw.NotFitted) {
      let law = fit == .power ? try PowerLaw(points) : try PowerLaw(saturating: points)
      let interval = law.exponentInterval.map {
        " [\(written($0.lowerBound)), \(written($0.upperBound))]"
      }
      return (
        law,
        "\(name) = \(law.asymptote > 0 ? "\(written(law.asymptote)) + " : "")\(written(law.factor)) · "
          + "\(x.letter)\(raised(String(format: "%.3g", law.exponent))) (exponent "
          + "\(written(law.exponent))\(interval ?? ""), R² \(String(format: "%.3f", law.rSquared)), "
          + "\(law.count) points)"
      )
    } catch {
      return (nil, "not fitted: \(error)")
    }
  }
}

/// Returns a number with three digits as people write it: −0.21, 3.4·10⁵.
func written(_ value: Double) -> String {
  let text = String(format: "%.3g", value)
  let parts = text.split(separator: "e")
  let factor = String(parts[0]).replacing("-", with: "−")
  guard parts.count == 2, let exponent = Int(parts[1]) else { return factor }
  return "\(factor)·10\(raised("\(exponent)"))"
}

// MARK: - Notes

extension ScalingCurves {
  /// Returns the settings that all evaluations share.
  private func common(_ entries: [LedgerEntry]) -> String {
    let shown: [Setting] = [
      .num, .extractor, .dialect, .reference, .sampler, .steps, .guidance, .eta, .precision, .data,
    ]
    return shown.compactMap { setting in
      let values = Set(entries.compactMap { setting.value(of: $0) })
      return values.count == 1 ? values.first : nil
    }.joined(separator: ", ")
  }

  /// What is said of lines that are divided by folder.
  private static let dividedNote =
    "A line for each folder of checkpoints: different models are not averaged unless they are said "
    + "to be seeds of one recipe."

  /// Returns what intervals say of retraining, if trainings are averaged.
  private func retrainingNotes(_ means: [[TrainingMean]], _ series: [Plot.Series]) -> [String] {
    guard averagesSeeds else { return [] }
    let all = means.flatMap(\.self)
    let counts = Set(all.map(\.count)).sorted()
    var notes: [String] = []
    if let low = counts.first, let high = counts.last {
      notes.append(
        "Full marks are means of \(low == high ? "\(low)" : "\(low) to \(high)") trainings with 95 % "
          + "intervals that include retraining; hollow marks are the single trainings.")
    }
    if all.contains(where: { $0.sharesSeeds && $0.interval != nil }) {
      notes.append(
        "Trainings with the same sampling seed share errors of sampling; their intervals are upper bounds."
      )
    }
    let missing = all.count { $0.interval == nil }
    if missing > 0 {
      notes.append(
        "\(missing) mean\(missing == 1 ? " has" : "s have") no interval, because a training with the same "
          + "sampling seed has none.")
    }
    let cut = zip(means, series).reduce(0) { sum, pair in
      sum + pair.0.count { $0.interval != nil }
        - pair.1.points.count { $0.kind == .mean && $0.interval != nil }
    }
    if cut > 0 {
      notes.append(
        "\(cut) interval\(cut == 1 ? " reaches" : "s reach") 0, which a logarithmic axis cannot show, and "
          + "\(cut == 1 ? "is" : "are") left out.")
    }
    let alone = series.reduce(0) { sum, series in
      sum + Set(series.points.filter { $0.kind == .evaluation }.map(\.x)).count
    }
    if alone > 0 {
      notes.append(
        "\(alone) place\(alone == 1 ? " has" : "s have") one training, whose interval says nothing of "
          + "retraining.")
    }
    return notes
  }

  /// Returns what bars and bands show, if there are any bars.
  private func intervalNotes(_ series: [Plot.Series]) -> [String] {
    guard series.contains(where: { $0.points.contains { $0.interval != nil } }) else { return [] }
    let hasBands = series.contains { $0.law?.exponentInterval != nil }
    return ["Bars are 95 % intervals" + (hasBands ? ", bands the 95 % of the law's mean." : ".")]
  }
}

/// The law to fit.
public enum FitName: String, CaseIterable, Sendable {
  /// `y = a x^b`.
  case power
  /// `y = c + a x^b`, with an asymptote.
  case saturating
  /// No law.
  case none
}
