import Foundation

/// The format of a picture drawn by gnuplot.
public enum PictureFormat: String, CaseIterable, Sendable {
  case svg, png, pdf

  /// Returns the terminal for a drawing with `lines` lines of notes: 840 x 560 units, and space for
  /// the notes.
  fileprivate func terminal(lines: Int) -> String {
    let height = 560 + 20 * lines
    return switch self {
    case .svg:
      "svg size 840,\(height) font 'Helvetica,15' background '#ffffff' noenhanced"
    // Twice the number of pixels, for high-resolution screens.
    case .png:
      "pngcairo size 1680,\(2 * height) font 'Helvetica,15' fontscale 1.95 linewidth 2 pointscale 2 "
        + "background '#ffffff' noenhanced"
    case .pdf:
      "pdfcairo size 8.4in,\(Double(height) / 100)in font 'Helvetica,15' fontscale 0.72 linewidth 1.2 "
        + "background '#ffffff' noenhanced"
    }
  }
}

/// The input of gnuplot. All texts and numbers of the plot are in `data`, because a string in a
/// script is code; the script contains only styles and ranges.
struct GnuplotInput: Equatable {
  var script: String
  var data: String
}

extension Plot {
  /// Colours that can be distinguished with any colour vision (Okabe and Ito), without yellow.
  static let colours = [
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000",
  ]
  /// gnuplot's numbers for marks: disc, square, triangle, diamond, and so on.
  private static let marks = [7, 5, 9, 13, 11, 15, 3]
  private static let dashes = [1, 2, 4, 5, 3, 6, 7]

  /// Returns the script and the data for a picture.
  ///
  /// - Parameter stem: The name of the picture's file without its extension: letters, digits, `.`,
  ///   `_`, `-`.
  func gnuplot(_ format: PictureFormat, stem: String) -> GnuplotInput {
    let (across, up) = (xRange, yRange)
    let names = labels(up)
    let lines = notes.flatMap(wrapped)
    let left = 9
    let right = series.count > 1 ? 3 + min(28, (series.map(\.name.count).max() ?? 0)) : 4
    var blocks: [[String]] = [
      [row(["0", "1", title])], [row(["0.5", "0", x.label])], [row(["0", "0.5", y.label])],
    ]
    var draws = [
      "index 0 using 1:2:3 axes x2y2 with labels left offset character -\(left - 2),1.6 font ',18' textcolor '#111111'",
      "index 1 using 1:2:3 axes x2y2 with labels center offset character 0,-2.6 textcolor '#333333'",
      "index 2 using 1:2:3 axes x2y2 with labels center rotate by 90 offset character -\(left - 2),0 textcolor '#333333'",
    ]
    func add(_ rows: [[String]], _ draw: String) {
      guard !rows.isEmpty else { return }
      draws.append("index \(blocks.count) " + draw)
      blocks.append(rows.map(row))
    }
    for (line, note) in lines.enumerated() {
      add(
        [["0", "0", note]],
        "using 1:2:3 axes x2y2 with labels left offset character -\(left - 2),"
          + "\(-4.6 - 1.25 * Double(line)) font ',12' textcolor '#555555'")
    }
    for (index, series) in series.enumerated() {
      let curve = curve(series)
      add(
        curve.compactMap { point in
          point.band.map { ["\(point.x)", "\($0.lowerBound)", "\($0.upperBound)"] }
        },
        "using 1:2:3 with filledcurves fillcolor '\(colour(index))' fillstyle transparent solid 0.13 noborder"
      )
    }
    for (index, series) in series.enumerated() {
      let curve = curve(series)
      func line(_ points: [CurvePoint], _ dash: Int) {
        add(
          points.map { ["\($0.x)", "\($0.y)"] },
          "using 1:2 with lines linecolor '\(colour(index))' linewidth 1.6 dashtype \(dash)")
      }
      line(curve.filter { !$0.isExtrapolated }, 1)
      line(curve.filter { $0.x >= series.law?.domain.upperBound ?? .infinity }, 3)
      line(curve.filter { $0.x <= series.law?.domain.lowerBound ?? 0 }, 3)
      let points = series.points.map { point in
        [
          "\(point.x)", "\(point.y)", "\(point.interval?.lowerBound ?? point.y)",
          "\(point.interval?.upperBound ?? point.y)",
        ]
      }
      if series.law == nil {
        add(
          series.means.map { ["\($0.x)", "\($0.y)"] },
          "using 1:2 with lines linecolor '\(colour(index))' linewidth 1.6 "
            + "dashtype \(Self.dashes[index % Self.dashes.count])")
      }
      guard !series.isCounted else { continue }
      if series.points.contains(where: { $0.interval != nil }) {
        add(
          points,
          "using 1:2:3:4 with yerrorbars linecolor '\(colour(index))' linewidth 1.2 pointtype -1")
      }
      add(
        points,
        "using 1:2 with points linecolor '\(colour(index))' pointtype "
          + "\(Self.marks[index % Self.marks.count]) pointsize \(format == .svg ? 0.6 : 0.9)")
    }
    if series.count > 1 {
      for (index, series) in series.enumerated() {
        guard let height = names[index] else { continue }
        add(
          [["1", "\(height)", series.name]],
          "using 1:2:3 axes x2y2 with labels left offset character 1,0 textcolor '\(colour(index))'"
        )
      }
    }
    let script = """
      # gnuplot \(stem).gp
      set terminal \(format.terminal(lines: lines.count))
      set output '\(stem).\(format.rawValue)'
      set encoding utf8
      set datafile separator tab
      set datafile commentschars ''
      set lmargin \(left)
      set rmargin \(right)
      set tmargin 3.2
      set bmargin \(4.2 + (lines.isEmpty ? 0 : 0.8 + 1.25 * Double(lines.count)))
      set border 3 linecolor '#777777'
      set grid linecolor '#e2e2e2' linetype 1 linewidth 0.8
      set tics nomirror out scale 0.5 textcolor '#333333'
      unset key
      \(x.isLogarithmic ? "set logscale x\n" : "")\(y.isLogarithmic ? "set logscale y\n" : "")\
      set xrange [\(across.lowerBound):\(across.upperBound)]
      set yrange [\(up.lowerBound):\(up.upperBound)]
      set x2range [0:1]
      set y2range [0:1]
      set xtics (\(tics(x, across)))
      set ytics (\(tics(y, up)))
      plot \(draws.map { "'\(stem).dat' " + $0 }.joined(separator: ", \\\n  "))

      """
    return GnuplotInput(
      script: script, data: blocks.map { $0.map { $0 + "\n" }.joined() }.joined(separator: "\n\n"))
  }

  /// Returns a note as lines that fit below the drawing.
  private func wrapped(_ note: String) -> [String] {
    note.split(separator: " ").reduce(into: [String]()) { lines, word in
      if let last = lines.last, last.count + word.count < 100 {
        lines[lines.count - 1] = "\(last) \(word)"
      } else {
        lines.append(String(word))
      }
    }
  }

  private func colour(_ index: Int) -> String { Self.colours[index % Self.colours.count] }

  private func tics(_ axis: Axis, _ range: ClosedRange<Double>) -> String {
    axis.ticks(range).map { "'\(tickLabel($0))' \($0)" }.joined(separator: ", ")
  }

  /// Returns a line of the data. gnuplot interprets backslashes as escapes, tabs as separators, and
  /// a blank line as a new block.
  private func row(_ fields: [String]) -> String {
    fields.map { field in
      let line = String(
        String.UnicodeScalarView(
          field.unicodeScalars.map { $0.properties.generalCategory == .control ? " " : $0 }))
      let shown = line.prefix(200).replacing("\\", with: "\\\\")
      // A quote at the beginning would quote the field.
      return shown.first == "\"" ? "\u{200B}\(shown)" : shown.isEmpty ? " " : String(shown)
    }.joined(separator: "\t")
  }

  /// Returns the height of each series' name, from 0 to 1: next to its last point, without
  /// overlapping its neighbours.
  private func labels(_ range: ClosedRange<Double>) -> [Double?] {
    let gap = 0.052
    let ends = series.enumerated().compactMap { index, series -> (index: Int, height: Double)? in
      guard let last = curve(series).last?.y ?? series.points.last?.y else { return nil }
      return (index, min(1, max(0, position(of: last, in: range, y))))
    }.sorted { ($0.height, $0.index) < ($1.height, $1.index) }
    var heights = ends.map(\.height)
    // Moves names up as far as needed, then down from the top.
    for place in heights.indices.dropFirst() {
      heights[place] = max(heights[place], heights[place - 1] + gap)
    }
    if let last = heights.indices.last, heights[last] > 1 {
      heights[last] = 1
      for place in heights.indices.dropLast().reversed() {
        heights[place] = min(heights[place], heights[place + 1] - gap)
      }
    }
    var result = [Double?](repeating: nil, count: series.count)
    for (end, height) in zip(ends, heights) { result[end.index] = height }
    return result
  }
}
