import Files
import Foundation

/// Where the parts of a picture are, in hundredths of an inch, or in pixels if its size is given in
/// them.
///
/// Texts, marks and lines follow the size. A text has 8 points (11 pixels), or more if the picture is
/// wider than 6.2 inches and higher than 4.1 inches; without a given size it has 10.8.
struct PictureLayout {
  /// Where the names of the series are.
  enum Names: Equatable {
    /// There is only one series.
    case none
    /// Next to the last point of each line.
    case right
    /// In a legend above the drawing, which is filled column by column.
    case above(Legend)
  }

  /// The size of the whole picture.
  private(set) var width: Double, height: Double
  /// The size of texts, marks and lines relative to those of a picture without a given size.
  let scale: Double
  /// The space around the area with the points.
  private(set) var left = 0.0, right = 0.0, top = 0.0, bottom = 0.0
  private(set) var names = Names.none
  private(set) var titleLines: [String]
  private(set) var noteLines: [String]
  private(set) var xLabelLines: [String] = []
  private(set) var yLabelLines: [String] = []
  private(set) var xTicks: [Double] = []
  private(set) var yTicks: [Double] = []
  /// The number of rows of the legend.
  let legendRows: Int

  /// The rows and columns of a legend.
  struct Legend: Equatable {
    /// The width of the mark with the space after it, in ems.
    static let mark = 2.6
    let rows: Int
    /// The widths of the columns with the space after them, in ems.
    let columns: [Double]

    /// Creates the legend with the fewest rows that has at most a width in ems.
    init(_ names: [String], width: Double) {
      let widths = names.map { textWidth($0) + Self.mark + 1.4 }
      func columns(_ rows: Int) -> [Double] {
        stride(from: 0, to: widths.count, by: rows).map { start in
          widths[start..<min(start + rows, widths.count)].max() ?? 0
        }
      }
      let fitting = (1...max(1, widths.count)).first { columns($0).reduce(0, +) <= width }
      rows = fitting ?? widths.count
      // A single column may be too wide; its names are cut.
      self.columns = columns(rows).map { min($0, width) }
    }
  }

  /// The size of a text, in the unit of the other lengths.
  var em: Double { 15 * scale }
  var plotWidth: Double { width - left - right }
  var plotHeight: Double { height - top - bottom }

  /// Lays out the picture of a plot.
  ///
  /// - Throws: ``Failure`` `PictureSize` (64) if texts leave too little space for the points.
  init(_ plot: Plot) throws(Failure) {
    let size = plot.size?.units ?? (width: 840.0, height: 560.0)
    (width, height) = size
    scale = plot.size == nil ? 1 : max(8 / 10.8, min(size.width / 840, size.height / 560))
    let em = 15 * scale
    let (width, room) = (width, width - 2 * em)
    titleLines = plot.caption == .none ? [] : wrapped(plot.title, to: room / (1.2 * em))
    noteLines =
      plot.caption == .all ? plot.notes.flatMap { wrapped($0, to: room / (0.8 * em)) } : []
    xLabelLines = wrapped(plot.x.label, to: 0.85 * room / em)
    let longest = plot.series.map { textWidth($0.name) }.max() ?? 0
    let heading = titleLines.isEmpty ? 0.6 : 1.1 + 1.5 * Double(titleLines.count)
    let below = 2.2 + 1.25 * Double(xLabelLines.count)
    let free = size.height - em * (heading + below)
    var rows = 0
    if plot.series.count > 1 {
      if em * (longest + 1.5) <= 0.27 * width, 1.3 * em * Double(plot.series.count) <= free {
        names = .right
      } else {
        let legend = Legend(plot.series.map(\.name), width: width / em - 1.2)
        names = .above(legend)
        rows = legend.rows
      }
    }
    legendRows = rows
    top = em * (heading + (rows > 0 ? 0.3 + 1.3 * Double(rows) : 0))
    bottom = em * below
    // Without a given size there is always enough space.
    if plot.size == nil { height = max(height, top + bottom + 200) }
    let notes = noteLines.isEmpty ? 0 : em * (0.7 + 1.1 * Double(noteLines.count))
    let plotHeight = plotHeight
    yLabelLines = wrapped(plot.y.label, to: max(plotHeight, 6 * em) / em)
    yTicks = plot.y.ticks(plot.yRange) { ticks in
      let places = ticks.map { plotHeight * plot.position(of: $0, in: plot.yRange, plot.y) }
      return zip(places, places.dropFirst()).allSatisfy { $1 - $0 >= 1.4 * em }
    }
    let tickWidth = yTicks.map { textWidth(tickLabel($0)) }.max() ?? 1
    left = em * (tickWidth + 1.5 + 1.25 * Double(yLabelLines.count))
    right = em * (names == .right ? longest + 1.5 : 1.3)
    let plotWidth = plotWidth
    xTicks = plot.x.ticks(plot.xRange) { ticks in
      let places = ticks.map { plotWidth * plot.position(of: $0, in: plot.xRange, plot.x) }
      let widths = ticks.map { em * textWidth(tickLabel($0)) }
      return places.indices.dropFirst().allSatisfy {
        places[$0] - places[$0 - 1] >= (widths[$0] + widths[$0 - 1]) / 2 + 0.8 * em
      }
    }
    guard plotWidth >= 8 * em, plotHeight >= 5 * em else {
      throw Failure(
        .usage, .pictureSize, plot.size?.description ?? "the picture",
        "its texts leave too little space for \(plot.series.count) series; choose a larger size, "
          + "shorter labels or fewer series")
    }
    bottom += notes
    height += notes
  }
}

/// Returns the approximate width of a text in Helvetica, in ems.
func textWidth(_ text: String) -> Double {
  text.unicodeScalars.reduce(0) { sum, scalar in
    switch scalar {
    case " ", ".", ",", ":", ";", "'", "|", "!", "(", ")", "[", "]", "i", "j", "l", "t", "f", "r",
      "I",
      "/", "-", "\u{B7}":
      sum + 0.3
    case "m", "w", "M", "W", "@", "%": sum + 0.87
    case "A"..."Z", "+", "=", "<", ">", "~", "−": sum + 0.68
    case "\u{2070}"..."\u{209F}", "\u{B2}", "\u{B3}", "\u{B9}": sum + 0.36
    case "\u{1100}"..."\u{11FF}", "\u{2E80}"..."\u{FFFF}", "\u{1F000}"..."\u{3FFFF}": sum + 1
    default: sum + 0.56
    }
  }
}

/// Returns a text as lines of at most a width in ems, divided between words.
private func wrapped(_ text: String, to width: Double) -> [String] {
  text.split(separator: " ").reduce(into: [String]()) { lines, word in
    if let last = lines.last, textWidth("\(last) \(word)") <= width {
      lines[lines.count - 1] = "\(last) \(word)"
    } else {
      lines.append(String(word))
    }
  }
}

/// Returns a text that is cut so that it has at most a width in ems.
func shortened(_ text: String, to width: Double) -> String {
  guard textWidth(text) > width else { return text }
  var kept = text
  while !kept.isEmpty, textWidth(kept) + 1 > width { kept.removeLast() }
  return kept + "…"
}
