import Features
import GenerativeMetrics
import References
import Results

/// What is known of scored images, to be compared with a protocol.
package struct ScoredProtocol {
  /// The number of images; nil if it is unknown.
  package var count: Int?
  /// The sizes of the images in pixels, such as `32 x 32`; nil if they are unknown.
  package var sizes: String?
  /// The class of each image; nil if the images have no labels.
  package var labels: [Int]?
  /// The extractor.
  package var extractor: ExtractorProvenance
  /// The dialects of the features and of the statistics; nil for all dialects.
  package var dialects: (features: Dialect, reference: Dialect)?
  /// The reference.
  package var reference: ReferenceProvenance
  /// Whether the reference is statistics rather than images.
  package var hasStatistics: Bool
  /// The SHA-256 of the protocol's reference, published or of the first download; nil if none is known.
  package var referenceSHA256: (hash: String, isPublished: Bool)?

  /// Creates a record of scored images whose number, sizes and labels are unknown.
  ///
  /// - Parameters:
  ///   - extractor: The extractor.
  ///   - dialects: The dialects of the features and of the statistics; nil for all dialects.
  ///   - reference: The reference.
  ///   - hasStatistics: Whether the reference is statistics rather than images.
  package init(
    extractor: ExtractorProvenance, dialects: (features: Dialect, reference: Dialect)?,
    reference: ReferenceProvenance, hasStatistics: Bool
  ) {
    (self.extractor, self.dialects) = (extractor, dialects)
    (self.reference, self.hasStatistics) = (reference, hasStatistics)
  }
}

extension ProtocolCard {
  /// Compares scored images with the protocol.
  package func check(_ scored: ScoredProtocol) -> ProtocolCheck {
    var check = ProtocolCheck(published: published)
    if let found = scored.count {
      check.add("number", expected: "\(count)", found: "\(found)", agrees: found == count)
    } else {
      check.add(
        "number", expected: "\(count)", notCheckedBecause: "the statistics do not record theirs")
    }
    if let found = scored.sizes {
      check.add("image size", expected: sizeText, found: found, agrees: found == sizeText)
    } else {
      check.add(
        "image size", expected: sizeText, notCheckedBecause: "the statistics do not record it")
    }
    checkLabels(scored.labels, &check)
    let name =
      scored.extractor.name + (scored.extractor.published == false ? ", unpublished weights" : "")
    check.add("extractor", expected: extractor, found: name, agrees: name == extractor)
    let dialects = scored.dialects.map { Self.text($0.features, $0.reference) }
    check.add(
      "dialect", expected: dialectText, found: dialects ?? DialectChoice.all.name,
      agrees: dialects == dialectText)
    checkReference(scored, &check)
    for setting in unseen {
      check.add(
        setting.name, expected: setting.value, notCheckedBecause: "images do not show it")
    }
    return check
  }

  private func checkLabels(_ found: [Int]?, _ check: inout ProtocolCheck) {
    guard labels != .none else { return }
    let (name, expected) = ("labels", labelText)
    guard let classes, let found else {
      return check.add(name, expected: expected, notCheckedBecause: "the images have no labels")
    }
    var tally = LabelTally(classes: classes)
    for label in found { tally.append(label) }
    let summary = tally.summary
    guard tally.unlabelled == 0 else {
      return check.add(
        name, expected: expected,
        found: "\(tally.unlabelled) images with a label outside 0 to \(classes - 1)", agrees: false)
    }
    let isEven = summary.smallest == summary.largest
    switch labels {
    case .none: break
    case .drawnByFrequency:
      check.add(
        name, expected: expected,
        notCheckedBecause: "the frequencies of the training set are not known here")
    case .drawn:
      // Independent draws give equal numbers with a negligible probability, unless there are few.
      let isBalanced = isEven && summary.smallest > 1
      let isUnlike = tally.isUnlike([Double](repeating: 1 / Double(classes), count: classes))
      check.add(
        name, expected: expected, found: isBalanced ? "balanced: \(summary)" : "\(summary)",
        agrees: !isBalanced && !isUnlike)
    case .balanced:
      check.add(name, expected: expected, found: "\(summary)", agrees: isEven)
    }
  }

  private func checkReference(_ scored: ScoredProtocol, _ check: inout ProtocolCheck) {
    let found = scored.reference
    let entry = (try? StatisticsRegistry())?[reference]
    func hash(_ sha256: String) -> String { "SHA-256 \(sha256)" }
    func departs(_ text: String) {
      check.add("reference", expected: reference, found: text, agrees: false)
    }
    guard scored.hasStatistics else { return departs("the images '\(found.file)'") }
    if let known = scored.referenceSHA256 {
      let expected = "\(reference), \(hash(known.hash))"
      let text =
        found.sha256 == known.hash
        ? expected : "'\(found.file)', \(found.sha256.map(hash) ?? "of unknown SHA-256")"
      check.add("reference", expected: expected, found: text, agrees: text == expected)
      if text == expected, !known.isPublished {
        check.add(
          "published reference", expected: reference,
          notCheckedBecause: "no SHA-256 of it is published; it is the first download")
      }
      return
    }
    if let side = found.resolution, side != self.side {
      return departs("'\(found.file)', of images of \(side) x \(side)")
    }
    if let dataset = found.dataset, let entry, dataset != entry.dataset {
      return departs(
        "'\(found.file)', of \(dataset.name)\(dataset.split.map { " " + $0 } ?? "")")
    }
    check.add(
      "reference", expected: reference,
      notCheckedBecause: "no SHA-256 is known to compare '\(found.file)' with")
  }
}
