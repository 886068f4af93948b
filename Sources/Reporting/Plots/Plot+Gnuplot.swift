import Files
import Foundation

/// The format of a picture drawn by gnuplot.
public enum PictureFormat: String, CaseIterable, Sendable {
  /// Scalable vector graphics.
  case svg
  /// Pixels.
  case png
  /// A page for printing.
  case pdf

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
  static let marks = [7, 5, 9, 13, 11, 15, 3]
  static let dashes = [1, 2, 4, 5, 3, 6, 7]
  /// The space at the left for the vertical axis, in characters.
  static let leftMargin = 9

  /// Returns the script and the data for a picture.
  ///
  /// - Parameter stem: The name of the picture's file without its extension: letters, digits, `.`,
  ///   `_`, `-`.
  func gnuplot(_ format: PictureFormat, stem: String) -> GnuplotInput {
    let lines = notes.flatMap(wrapped)
    let parts = titleLayers + noteLayers(lines) + series.indices.map(bandLayer)
    let layers = (parts + series.indices.flatMap { seriesLayers($0, format) } + nameLayers)
      .filter { !$0.rows.isEmpty }
    let draws = layers.enumerated().map { "'\(stem).dat' index \($0) \($1.style)" }
    let blocks = layers.map { $0.rows.map { row($0) + "\n" }.joined() }
    return GnuplotInput(
      script: settings(format, stem: stem, noteLines: lines.count)
        + "plot \(draws.joined(separator: ", \\\n  "))\n",
      data: blocks.joined(separator: "\n\n"))
  }

  /// Returns the part of the script before the command that draws: the page, the axes and their
  /// ranges.
  private func settings(_ format: PictureFormat, stem: String, noteLines: Int) -> String {
    let (across, up) = (xRange, yRange)
    let longestName = series.map(\.name.count).max() ?? 0
    return """
      # gnuplot \(stem).gp
      set terminal \(format.terminal(lines: noteLines))
      set output '\(stem).\(format.rawValue)'
      set encoding utf8
      set datafile separator tab
      set datafile commentschars ''
      set lmargin \(Self.leftMargin)
      set rmargin \(series.count > 1 ? 3 + min(28, longestName) : 4)
      set tmargin 3.2
      set bmargin \(4.2 + (noteLines == 0 ? 0 : 0.8 + 1.25 * Double(noteLines)))
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

      """
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
      let shown = replacing(["\\": "\\\\"], in: String(line.prefix(200)))
      // A quote at the beginning would quote the field.
      return shown.unicodeScalars.first == "\"" ? "\u{200B}\(shown)" : shown.isEmpty ? " " : shown
    }.joined(separator: "\t")
  }
}
