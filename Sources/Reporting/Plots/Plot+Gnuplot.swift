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

  /// Returns the terminal for a picture.
  ///
  /// - Parameter size: The size that was given; nil for the default.
  fileprivate func terminal(_ layout: PictureLayout, _ size: PictureSize?) -> String {
    let (width, height, scale) = (layout.width, layout.height, layout.scale)
    func number(_ value: Double) -> String { PictureSize.plain((value * 1e4).rounded() / 1e4) }
    let font = "font 'Helvetica,\(number(15 * fontScale(layout, size)))'"
    let background = "background '#ffffff' noenhanced"
    switch self {
    case .svg:
      return "svg size \(Int(width.rounded())),\(Int(height.rounded())) \(font) linewidth "
        + "\(number(scale)) \(background)"
    case .png:
      let pixels = pixels(size)
      let (wide, high) = (Int((pixels * width).rounded()), Int((pixels * height).rounded()))
      return "pngcairo size \(wide),\(high) \(font) linewidth \(number(pixels * scale)) pointscale "
        + "\(number(pixels * scale)) \(background)"
    case .pdf:
      return "pdfcairo size \(number(width / 100))in,\(number(height / 100))in \(font) fontscale 1 "
        + "linewidth \(number(1.2 * scale)) pointscale \(number(0.8 * scale)) \(background)"
    }
  }

  /// Returns the pixels of a PNG for each unit of the layout: without a size twice as many, for
  /// high-resolution screens, and 300 for an inch.
  private func pixels(_ size: PictureSize?) -> Double {
    size.map { $0.unit == .pixels ? 1 : 3 } ?? 2
  }

  /// Returns what the sizes of fonts are multiplied by. Cairo counts 96 points for an inch of 72.
  func fontScale(_ layout: PictureLayout, _ size: PictureSize?) -> Double {
    switch self {
    case .svg: layout.scale
    case .png: 0.75 * pixels(size) * layout.scale
    case .pdf: 0.75 * 0.72 * layout.scale
    }
  }
}

/// The input of gnuplot. All texts and numbers of the plot are in `data`, because a string in a
/// script is code; the script contains only styles and ranges.
package struct GnuplotInput: Equatable {
  /// The part of the script that chooses the terminal.
  package var terminal: String
  /// The part that sets the page, the axes and their ranges.
  package var settings: String
  /// The styles of the layers of the data.
  package var styles: [String]
  /// A block of lines for each layer; every line has tabs.
  package var data: String
  /// The name of the picture's file without its extension.
  package var stem: String
  /// The extension of the picture's file.
  package var ending: String

  /// The script for files: it reads the data and writes the picture next to itself.
  package var script: String {
    "# gnuplot \(stem).gp\n\(terminal)set output '\(stem).\(ending)'\n\(settings)"
      + command("'\(stem).dat'")
  }

  /// The same with its data, for standard input; the picture is written to standard output.
  package var standardInput: String {
    // No line of the data is like the last one, because they have tabs.
    "\(terminal)$data << END_OF_DATA\n\(data)\nEND_OF_DATA\n\(settings)\(command("$data"))"
  }

  private func command(_ source: String) -> String {
    let draws = styles.enumerated().map { "\(source) index \($0) \($1) notitle" }
    return "plot \(draws.joined(separator: ", \\\n  "))\n"
  }
}

extension Plot {
  /// Colours that can be distinguished with any colour vision (Okabe and Ito), without yellow.
  static let colours = [
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000",
  ]
  /// gnuplot's numbers for marks: disc, square, triangle, diamond, and so on.
  static let marks = [7, 5, 9, 13, 11, 15, 3]
  static let dashes = [1, 2, 4, 5, 3, 6, 7]
  /// gnuplot's numbers for the outlines of the marks.
  static let hollowMarks = [6, 4, 8, 12, 10, 14, 2]

  /// Returns the script and the data for a picture.
  ///
  /// - Parameter stem: The name of the picture's file without its extension: letters, digits, `.`,
  ///   `_`, `-`.
  /// - Throws: ``Failure`` `PictureSize` (64) if texts leave too little space for the points.
  package func gnuplot(_ format: PictureFormat, stem: String) throws(Failure) -> GnuplotInput {
    let drawing = GnuplotDrawing(self, try PictureLayout(self), format)
    let layers = drawing.layers
    let blocks = layers.map { $0.rows.map { row($0) + "\n" }.joined() }
    return GnuplotInput(
      terminal: "set terminal \(format.terminal(drawing.layout, size))\n",
      settings: settings(drawing), styles: layers.map(\.style),
      data: blocks.joined(separator: "\n\n"), stem: stem, ending: format.rawValue)
  }

  /// Returns the part of the script that sets the page, the axes and their ranges.
  private func settings(_ drawing: GnuplotDrawing) -> String {
    let (across, up, layout) = (xRange, yRange, drawing.layout)
    return """
      set encoding utf8
      set datafile separator tab
      set datafile commentschars ''
      set lmargin at screen \(screen(layout.left / layout.width))
      set rmargin at screen \(screen(1 - layout.right / layout.width))
      set tmargin at screen \(screen(1 - layout.top / layout.height))
      set bmargin at screen \(screen(layout.bottom / layout.height))
      set border 3 linecolor '#777777'
      set grid linecolor '#e2e2e2' linetype 1 linewidth 0.8
      set tics nomirror out scale 0.5 textcolor '#333333'
      set pointintervalbox 0.001
      unset key
      \(x.isLogarithmic ? "set logscale x\n" : "")\(y.isLogarithmic ? "set logscale y\n" : "")\
      set xrange [\(across.lowerBound):\(across.upperBound)]
      set yrange [\(up.lowerBound):\(up.upperBound)]
      set x2range [0:1]
      set y2range [0:1]
      set xtics\(drawing.tickOffset) (\(tics(layout.xTicks)))
      set ytics (\(tics(layout.yTicks)))
      \(drawing.legendMarks.map { $0 + "\n" }.joined())
      """
  }

  private func tics(_ ticks: [Double]) -> String {
    ticks.map { "'\(tickLabel($0))' \($0)" }.joined(separator: ", ")
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

/// Returns a part of the picture's width or height as gnuplot reads it.
func screen(_ part: Double) -> String { String(format: "%.5f", part) }
