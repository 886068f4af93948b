import DisEval
import Foundation

/// Returns a result as text: the numbers, followed by what they were computed from.
func summary(of result: EvaluationResult) -> String {
  let provenance = result.provenance
  var lines: [String] = []
  if let dialects = result.dialects {
    lines += table(of: dialects)
  } else {
    lines += metricLines(result)
  }
  if let diagnosis = result.diagnosis { lines += diagnosisLines(diagnosis) }
  func line(_ name: String, _ text: String) { lines.append("  " + column(name, 12) + text) }
  if let checkpoint = provenance.checkpoint {
    line(
      "checkpoint",
      "\(checkpoint.file) (\(checkpoint.key ?? "flat"), \(checkpoint.model.variant), "
        + "sha256 \(checkpoint.sha256.prefix(16))…)")
  }
  if let sampler = provenance.sampler {
    line(
      "sampler",
      sampler.name + (sampler.steps.map { ", \($0) steps (\(sampler.respacing))" } ?? "")
        + ", guidance "
        + "\(sampler.cfgScale) (\(sampler.cfgChannels)), seed \(sampler.seed), labels "
        + sampler.labels)
  }
  if let check = provenance.protocolCheck {
    protocolLines(check, of: provenance.preset ?? "").forEach { line($0.name, $0.text) }
  } else if let published = provenance.preset.flatMap({ try? Preset(named: $0) })?.published {
    line("published", "FID \(published.fid) (\(published.source))")
  }
  if let generator = provenance.generator {
    let weights = generator.weightsSha256.map { "sha256 \($0.prefix(16))…" } ?? "unknown weights"
    line(
      "generator",
      "\(escaped(generator.name)) \(escaped(generator.version)) (\(weights)"
        + (generator.device.map { ", \(escaped($0))" } ?? "") + "), seed \(generator.seed), labels "
        + generator.labels)
    line("command", escaped(commandText(generator.command)))
  }
  if let decoder = provenance.decoder {
    line(
      "decoder",
      "\(decoder.file) (sha256 \(decoder.sha256.prefix(16))…), scale \(decoder.scale)"
        + (decoder.shift.map { ", shift \($0)" } ?? "")
        + (decoder.channelMeans.map { ", \($0.count) channels normalised" } ?? "")
        + (decoder.tile.map { ", tiles of \($0)" } ?? ""))
  }
  if let images = provenance.images { line("images", images) }
  line("number", provenance.num.map(String.init) ?? "unknown")
  line(
    "extractor",
    "\(provenance.extractor.name), \(provenance.extractor.dimension) dimensions, sha256 "
      + "\(provenance.extractor.sha256?.prefix(16) ?? "unknown")…")
  let dataset = provenance.reference.dataset.map {
    ": \($0.name)\($0.split.map { " " + $0 } ?? "")"
  }
  line(
    "reference",
    "\(provenance.reference.file)\(dataset ?? ""), "
      + "\(provenance.reference.count.map(String.init) ?? "unknown number of") images")
  let other = provenance.reference.dialect.flatMap { $0 == provenance.dialect ? nil : $0 }
  line(
    "dialect",
    provenance.dialect + (other.map { ", the reference \($0)" } ?? "")
      + (provenance.extractor.preprocessing.map { ": \($0)" } ?? ""))
  if let allowed = provenance.allowedMismatches {
    line("mismatches", "\(allowed.count) allowed; see the warnings")
  }
  if let hash = result.samplesSha256 { line("images hash", "sha256 \(hash.prefix(16))…") }
  line(
    "made by",
    "\(provenance.tool), kernels \(provenance.kernels), "
      + String(format: "%.1f s", result.run.seconds))
  return lines.joined(separator: "\n")
}

/// Returns what of a protocol images follow, and what they cannot show.
private func protocolLines(
  _ check: ProtocolCheck, of preset: String
) -> [(name: String, text: String)] {
  func list(_ settings: [ProtocolCheck.Setting]) -> String {
    settings.map { escaped("\($0)") }.joined(separator: "; ")
  }
  let published = check.published.map { "\($0.metric) \($0.value) (\($0.source))" }
  return [
    ("published", published.joined(separator: "; ")),
    ("preset", preset + (check.agrees.isEmpty ? "" : "; as published: \(list(check.agrees))")),
    ("departures", list(check.departures)), ("not checked: ", list(check.notChecked)),
  ].filter { !$0.1.isEmpty }
}

/// Returns the results of several seeds as text: all of them, followed by their summaries.
func summary(of repeated: RepeatedResult) -> String {
  var lines = repeated.results.flatMap { result in
    ["seed \(result.provenance.seed ?? 0)"] + metricLines(result).map { "  " + $0 }
  }
  lines += ["", table(of: repeated.summaries)]
  return lines.joined(separator: "\n")
}

/// Returns the results of several extractors, one after the other.
func summary(of results: [EvaluationResult], _ joint: JointResult) -> String {
  var parts = results.map { "\($0.provenance.extractor.name)\n\(summary(of: $0))" }
  if let found = joint.frechetRatios {
    let ratios = found.ratios.sorted { $0.key < $1.key }.map { "\($0.key) \(number($0.value))" }
    parts.append(
      "fdr6            \(number(found.fdr6))"
        + (found.interval.map { " [" + $0.ends.map(number).joined(separator: ", ") + "]" } ?? "")
        + ", ± \(number(found.rounding)) by the rounding of the divisors   (the mean of "
        + "\(ratios.joined(separator: ", ")): distances divided by those that FD-loss publishes of validation "
        + "images)")
  }
  return parts.joined(separator: "\n\n")
}

/// Returns one line for each metric of a single dialect.
private func metricLines(_ result: EvaluationResult) -> [String] {
  let width = (Array(result.metrics.keys) + result.skipped.keys).map(\.count).max() ?? 0
  let metrics = result.metrics.sorted { $0.key < $1.key }.map { name, metric in
    // Named so that it is not mistaken for the interval.
    let deviation = metric.standardDeviation.map {
      "standard deviation of the \(name == "kid" ? "subsets" : "splits") "
        + String(format: "%.4g", $0)
    }
    let details = [metric.definition, deviation].compactMap(\.self)
    let definition = details.isEmpty ? "" : "   (\(details.joined(separator: "; ")))"
    let floor =
      metric.floor.map {
        String(format: "   (floor %.4f: %@, %d images)", $0.value, $0.data, $0.count)
      } ?? ""
    func ends(_ interval: ClosedRange<Double>?) -> String {
      interval.map { " [" + $0.ends.map(number).joined(separator: ", ") + "]" } ?? ""
    }
    let debiased =
      metric.debiased.map { "   debiased " + number($0) + ends(metric.debiasedInterval) }
      ?? metric.debiasedReason.map { "   (not debiased: \($0))" } ?? ""
    // What was not asked for need not be said.
    let reason =
      metric.interval != nil || metric.intervalReason == "not asked for"
      ? "" : metric.intervalReason.map { "   (no interval: \($0))" } ?? ""
    let part = metric.referenceBias ?? 0
    let added =
      abs(part) > 0.01 * abs(metric.value) ? "   (the reference adds about \(number(part)))" : ""
    let own = metric.referenceValue.map { "   (of the reference " + number($0) + ")" } ?? ""
    return column(name, width) + "  " + number(metric.value) + ends(metric.interval) + reason
      + debiased
      + added + own + definition + floor
  }
  return metrics + detailLines(result)
    + result.skipped.sorted { $0.key < $1.key }.map {
      "\(column($0.key, width))  not computed: \($0.value)"
    }
}

/// Returns the worst classes, and the images that resemble one of the reference or another image most, if they are known.
private func detailLines(_ result: EvaluationResult) -> [String] {
  let pairs = result.metrics.values.compactMap(\.nearestPairs).joined().prefix(3).map { pair in
    "  image \(pair.first) resembles image \(pair.second), at a distance of \(number(pair.distance))"
  }
  let classes = result.metrics.values.compactMap(\.worstClasses).joined().prefix(3).map { worst in
    "  class \(worst.index): KID \(number(worst.value)) ["
      + worst.interval.ends.map(number).joined(separator: ", ") + "], \(worst.count) images"
  }
  return classes + pairs
    + result.metrics.values.compactMap(\.nearestCopies).joined().prefix(3).map { copy in
      "  image \(copy.sample) is nearest to image \(copy.training) of the reference, at a distance of "
        + number(copy.distance)
        + (copy.ratio.map { ", \(number($0)) times that image's to its own nearest" } ?? "")
    }
}

/// Returns what the images are like beside the metrics.
private func diagnosisLines(_ diagnosis: Diagnosis) -> [String] {
  var lines: [String] = []
  if let distance = diagnosis.distance {
    func part(_ value: Double, _ interval: ClosedRange<Double>?) -> String {
      number(value)
        + (interval.map { " [" + $0.ends.map(number).joined(separator: ", ") + "]" } ?? "")
    }
    lines.append(
      "  distance    means \(part(distance.meanPart, distance.meanInterval)) + covariances "
        + "\(part(distance.covariancePart, distance.covarianceInterval)); "
        + "\(distance.directionsOfFourFifths) "
        + (distance.directionsOfFourFifths == 1
          ? "direction carries 80 %" : "directions carry 80 %")
    )
  }
  if let classes = diagnosis.classes {
    let worst = classes.deviations.prefix(3).filter { abs($0.residual) > 2 }.map {
      "class \($0.index): \($0.count) images, \(number($0.expected)) expected"
    }
    lines.append(
      "  classes     chi-squared \(number(classes.chiSquared)), \(classes.degreesOfFreedom) degrees of freedom, p "
        + number(classes.pValue) + (classes.dependable ? "" : " (few images for some classes)")
        + (worst.isEmpty ? "" : ": " + worst.joined(separator: "; ")))
  } else if let reason = diagnosis.classesReason {
    lines.append("  classes     not compared: \(reason)")
  }
  return lines
}

/// Returns a row for each dialect, with a column for each metric.
private func table(of dialects: [String: EvaluationResult.DialectResult]) -> [String] {
  let order = [
    "fid", "fd_dinov2", "fd", "sfid", "is", "cs", "kid", "mmd_rbf", "precision", "recall",
    "density", "coverage",
    "vendi", "total_variance", "class_chi2", "cmmd", "mind", "authpct", "duplicates", "class_kid",
    "mifid", "mifid_generated",
  ]
  let names = order.filter { name in dialects.values.contains { $0.metrics[name] != nil } }
  var lines = [
    column("", 24) + names.map { column($0, 12) }.joined() + "preprocessing"
  ]
  for dialect in Dialect.allCases {
    guard let result = dialects[dialect.rawValue] else { continue }
    let values = names.map { column(result.metrics[$0].map { number($0.value) } ?? "-", 12) }
    lines.append(column(dialect.rawValue, 24) + values.joined() + result.preprocessing)
  }
  let reasons = Set(dialects.values.flatMap { $0.skipped.map { "\($0.key): \($0.value)" } })
  return lines + reasons.sorted().map { "- not computed: \($0)" }
}

/// Returns a number with four decimals, or with four significant digits if it is below 0.1.
func number(_ value: Double) -> String {
  String(format: abs(value) < 0.1 ? "%.4g" : "%.4f", value)
}

func column(_ text: String, _ width: Int) -> String {
  text.count < width ? text.padding(toLength: width, withPad: " ", startingAt: 0) : text
}
