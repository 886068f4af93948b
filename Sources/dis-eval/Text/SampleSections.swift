import DisEval
import Files
import Images
import Reporting

/// Returns the sections of a page that show images: the first ones by class, and the best and
/// worst.
func sections(
  of review: SampleReview, result: EvaluationResult, isOfRun: Bool
) throws -> [ReportPage.Section] {
  [
    ReportPage.Section("Samples", try samples(review, result)),
    ReportPage.Section(
      "Samples that raise the distance most", try influential(review, result)),
  ] + (try copies(review)) + [
    ReportPage.Section(
      "Best and worst samples", try extremes(review, result, isOfRun: isOfRun))
  ]
}

private func samples(
  _ review: SampleReview, _ result: EvaluationResult
) throws -> [ReportPage.Block] {
  let total = result.provenance.num ?? review.items.count
  let kind = result.provenance.seed == nil ? "images" : "samples"
  var about = "The first \(review.items.count) of the \(total) \(kind) that were scored."
  if review.isReduced {
    about += " They are reduced to at most \(Reviewer.largestSide) pixels a side."
  }
  var blocks: [ReportPage.Block] = [.text(about + " " + review.identity)]
  let classes = Dictionary(grouping: review.items) { $0.label }
  blocks.append(
    .table(
      ReportPage.Table(
        "The images with their indices", headings: ["Class", "Images"],
        rows: try classes.sorted { ($0.key ?? -1) < ($1.key ?? -1) }.map { label, items in
          [
            .text(label.map { "\($0)" } ?? "none"),
            .pictures(try items.map { try picture($0, caption: "\($0.index)") }),
          ]
        })))
  if classes.keys.contains(nil) {
    blocks.append(
      .missing("There is only one row, because neither the model nor the images have classes."))
  }
  return blocks
}

/// Returns the images with the largest influence on each distance. The influence overstates how much a distance
/// would fall without an image, so that only the order is shown.
private func influential(
  _ review: SampleReview, _ result: EvaluationResult
) throws -> [ReportPage.Block] {
  guard review.influential.contains(where: { !$0.value.isEmpty }) else {
    return [
      .missing(
        "There is no order, because no file influence-….npy of this result is beside it; 'fid --out' and "
          + "'evaluate --out' write one where a distance has an interval.")
    ]
  }
  return [
    .text(
      "The order is that of the influence on the distance, over all "
        + "\(result.provenance.num ?? 0) images. Rare kinds of images come first: they are not always bad, but "
        + "the distance depends on them most.")
  ]
    + (try review.influential.sorted { $0.key < $1.key }.map { name, items in
      .table(
        ReportPage.Table(
          "Influence on \(name)", headings: ["Rank", "Sample", "Class"],
          rows: try items.enumerated().map { rank, item in
            [
              .number("\(rank + 1)"), .pictures([try picture(item, caption: "\(item.index)")]),
              .text(item.label.map { "\($0)" } ?? "none"),
            ]
          }))
    })
}

/// Returns the sections on copies of the reference and on near duplicates, if the result names any.
private func copies(_ review: SampleReview) throws -> [ReportPage.Section] {
  var sections: [ReportPage.Section] = []
  if !review.copies.isEmpty {
    var blocks: [ReportPage.Block] = [
      .text(
        "The images that are nearest to one of the reference, in relation to how near that one is to others of the "
          + "reference. Look at them to decide whether they are copies."),
      .table(try table("Nearest copies", other: "Of the reference", review.copies)),
    ]
    if review.copies.allSatisfy({ $0.image == nil }) {
      blocks.append(
        .missing(
          "The reference's images are shown by their index. Use --reference-images to add their pictures."
        ))
    }
    sections.append(ReportPage.Section("Copies of the reference", blocks))
  }
  if !review.duplicates.isEmpty {
    sections.append(
      ReportPage.Section(
        "Near duplicates",
        [
          .text("The images that are nearest to another image that was scored."),
          .table(try table("Nearest pairs", other: "Other image", review.duplicates)),
        ]))
  }
  return sections
}

private func table(
  _ caption: String, other: String, _ likenesses: [SampleReview.Likeness]
) throws -> ReportPage.Table {
  ReportPage.Table(
    caption, headings: ["Image", "Class", "Distance", other],
    rows: try likenesses.map { likeness in
      [
        .pictures([try picture(likeness.item, caption: "\(likeness.item.index)")]),
        .text(likeness.item.label.map { "\($0)" } ?? "none"),
        .number(number(likeness.distance)),
        try likeness.image.map {
          .pictures([try picture($0, text: "Image \(likeness.other)", caption: "\(likeness.other)")]
          )
        } ?? .text("\(likeness.other)"),
      ]
    })
}

private func extremes(
  _ review: SampleReview, _ result: EvaluationResult, isOfRun: Bool
) throws -> [ReportPage.Block] {
  guard let ranking = review.ranking else {
    return [
      .missing("There is no ranking: \(namingOptions(review.unranked ?? "there are no images")).")
    ]
  }
  let total = result.provenance.num ?? ranking.count
  let reference = result.provenance.reference
  let whole =
    reference.count.map { $0 == ranking.referenceCount ? "" : " for \($0) images" } ?? ""
  var blocks: [ReportPage.Block] = [
    .text(
      "Samples are ranked by the distance of their features to the nearest of the "
        + "\(ranking.referenceCount) rows of features that \(reference.file) contains\(whole). A "
        + "small distance means that a sample is close to a real image; a distance near 0 means "
        + "that it is a copy. These are the best and worst of "
        + (ranking.count == total ? "all \(total)." : "the first \(ranking.count) of \(total)."))
  ]
  if ranking.count < total, !isOfRun {
    blocks.append(
      .missing("To rank all of them, give the run's folder with --run, or --num \(total)."))
  }
  for (caption, ranked) in [("Best", ranking.best), ("Worst", ranking.worst)] where !ranked.isEmpty
  {
    blocks.append(.table(try table("\(caption) samples and their nearest neighbours", ranked)))
  }
  if ranking.best.allSatisfy({ $0.neighbors.allSatisfy { $0.image == nil } }) {
    blocks.append(
      .missing(
        "The neighbours are shown by their index in the reference, which contains features, not "
          + "images. Use --reference-images to add their pictures."))
  }
  return blocks
}

private func table(
  _ caption: String, _ ranked: [SampleReview.Ranked]
) throws -> ReportPage.Table {
  ReportPage.Table(
    caption, headings: ["Sample", "Class", "Distance", "Nearest in the reference"],
    rows: try ranked.map { ranked in
      let neighbors = ranked.neighbors
      let pictures = try neighbors.compactMap { neighbor in
        try neighbor.image.map {
          try picture(
            $0, text: "Reference image \(neighbor.index)",
            caption: "\(neighbor.index): \(number(neighbor.distance))")
        }
      }
      return [
        .pictures([try picture(ranked.item, caption: "\(ranked.item.index)")]),
        .text(ranked.item.label.map { "\($0)" } ?? "none"),
        .number(neighbors.first.map { number($0.distance) } ?? ""),
        pictures.isEmpty
          ? .text(neighbors.map { "\($0.index) (\(number($0.distance)))" }.joined(separator: ", "))
          : .pictures(pictures),
      ]
    })
}

private func picture(
  _ item: SampleReview.Item, caption: String
) throws(Failure) -> ReportPage.Picture {
  try picture(
    item.image, text: "Sample \(item.index)" + (item.label.map { ", class \($0)" } ?? ""),
    caption: caption)
}

private func picture(
  _ image: Image, text: String, caption: String
) throws(Failure) -> ReportPage.Picture {
  ReportPage.Picture(
    png: try PNG.encode(image), width: image.width, height: image.height, text: text,
    caption: caption)
}
