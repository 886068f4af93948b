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
  /// Whether different checkpoints at one place are runs of one training recipe with different
  /// seeds.
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
    let fits = lines.map { line in
      fitted(line.name, points(of: line, metric, arePositive: isLogarithmic), metric)
    }
    let series = fits.map(\.series)

    var notes = [common(drawn)] + (mixed + clashes).map { "Not comparable: \($0)" }
    notes += averageNotes(lines, divider, isDivided: lines.count > families.count)
    notes += fits.compactMap(\.note) + intervalNotes(series)
    if entries.count > drawn.count {
      notes.append(
        "\(entries.count - drawn.count) of \(entries.count) evaluations do not say \(x.rawValue) or \(metric)."
      )
    }
    var plot = Plot(
      title
        ?? "\(isDebiased ? "debiased " : "")\(metric) by \(x.rawValue.replacing("-", with: " "))",
      x: Plot.Axis(x.label, isLogarithmic: x.isLogarithmic && !isLinear),
      y: Plot.Axis(
        (isDebiased ? "debiased " : "") + metric
          + (drawn[0].metrics[metric]?.higherIsBetter == true
            ? " (higher is better)" : " (lower is better)"),
        isLogarithmic: isLogarithmic),
      series: series, notes: notes)
    if let until, series.contains(where: { $0.law != nil }) {
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
    guard let found = y.map({ [$0] }) ?? ["fid", "fd"].first(where: names.contains).map({ [$0] }),
      names.contains(found[0])
    else {
      throw Failure(
        .dataRefused, .metricMissing, y ?? "fid",
        "no evaluation has it; found \(names.sorted().joined(separator: ", ")); choose with `y`")
    }
    return found[0]
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
  /// Returns the points of a line.
  ///
  /// - Parameter arePositive: Whether intervals that reach 0 are left out, because the axis is
  ///   logarithmic.
  private func points(
    of line: ScalingLine, _ metric: String, arePositive: Bool
  ) -> [Plot.Point] {
    line.entries.compactMap { entry in
      guard let place = x.value(of: entry), let score = entry.metrics[metric],
        score.value.isFinite
      else { return nil }
      let interval = score.interval.flatMap { $0.lowerBound > 0 || !arePositive ? $0 : nil }
      return Plot.Point(entry.name, x: place, y: score.value, interval: interval)
    }
  }

  /// Returns the series of points with its law, and a note that describes the law or says why there
  /// is none.
  private func fitted(
    _ name: String, _ points: [Plot.Point], _ metric: String
  ) -> (series: Plot.Series, note: String?) {
    let (law, note) = law(points.map { ($0.x, $0.y) }, metric)
    return (
      Plot.Series(name, points: points, law: law),
      note.map { (name.isEmpty ? "" : "\(name): ") + $0 }
    )
  }

  private func law(_ points: [(x: Double, y: Double)], _ metric: String) -> (PowerLaw?, String?) {
    guard fit != .none else { return (nil, nil) }
    do throws(PowerLaw.NotFitted) {
      let law = fit == .power ? try PowerLaw(points) : try PowerLaw(saturating: points)
      func number(_ value: Double) -> String { String(format: "%.3g", value) }
      let interval = law.exponentInterval.map {
        " [\(number($0.lowerBound)), \(number($0.upperBound))]"
      }
      return (
        law,
        "\(metric) = \(law.asymptote > 0 ? "\(number(law.asymptote)) + " : "")\(number(law.factor)) x^"
          + "\(number(law.exponent))\(interval ?? ""), R² \(String(format: "%.3f", law.rSquared)), "
          + "\(law.count) points"
      )
    } catch {
      return (nil, "not fitted: \(error)")
    }
  }
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

  /// Returns what the lines average and what they do not.
  private func averageNotes(
    _ lines: [ScalingLine], _ divider: ScalingLines, isDivided: Bool
  ) -> [String] {
    let divided =
      "A line for each folder of checkpoints: different models are not averaged unless they are said "
      + "to be seeds of one recipe."
    let averaged = divider.averaged(lines).map {
      "Where several evaluations are at one place, lines show the mean of \($0)."
    }
    return (isDivided ? [divided] : []) + [averaged].compactMap(\.self)
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
