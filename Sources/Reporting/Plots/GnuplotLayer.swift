import Foundation

/// A block of data and how gnuplot draws it.
struct GnuplotLayer {
  /// The rows of the block, each with its columns.
  var rows: [[String]]
  /// The part of the command that follows the number of the block.
  var style: String
}

/// The layers of a picture, and the marks of its legend.
///
/// Layers are drawn in their order, so that later ones cover earlier ones. The second axes, x2 and y2, go
/// from 0 to 1; texts are placed by them and by distances in parts of the whole picture.
struct GnuplotDrawing {
  let plot: Plot
  let layout: PictureLayout
  let format: PictureFormat

  init(_ plot: Plot, _ layout: PictureLayout, _ format: PictureFormat) {
    (self.plot, self.layout, self.format) = (plot, layout, format)
  }

  /// All layers that have any rows.
  var layers: [GnuplotLayer] {
    let parts = titleLayers + labelLayers + noteLayers + plot.series.indices.map(bandLayer)
    return (parts + plot.series.indices.flatMap(seriesLayers) + nameLayers)
      .filter { !$0.rows.isEmpty }
  }

  /// Returns a layer with one text.
  ///
  /// - Parameters:
  ///   - text: The text.
  ///   - place: The place from 0 to 1 on the second axes.
  ///   - distance: The distance from it to the text, in the lengths of the layout.
  ///   - style: The alignment, the font and the colour.
  private func text(
    _ text: String, at place: (x: String, y: String), _ distance: (x: Double, y: Double),
    _ style: String
  ) -> GnuplotLayer {
    GnuplotLayer(
      rows: [[place.x, place.y, text]],
      style: "using 1:2:3 axes x2y2 with labels \(style) offset screen "
        + "\(screen(distance.x / layout.width)),\(screen(distance.y / layout.height))")
  }

  private var em: Double { layout.em }

  /// Returns the font in a size, of which axes have 15.
  private func font(_ size: Double) -> String {
    let points = (1e3 * size * format.fontScale(layout, plot.size)).rounded() / 1e3
    return "font ',\(PictureSize.plain(points))'"
  }

  /// The lines of the title; a blank one without a title, because files begin with it.
  private var titleLayers: [GnuplotLayer] {
    let lines = layout.titleLines.isEmpty ? [" "] : layout.titleLines
    let legend = layout.legendRows > 0 ? 0.3 + 1.3 * Double(layout.legendRows) : 0
    return lines.enumerated().map { line, words in
      let height = em * (1.1 + legend + 1.5 * Double(lines.count - 1 - line))
      return text(
        words, at: ("0", "1"), (0.6 * em - layout.left, height),
        "left \(font(18)) textcolor '#111111'")
    }
  }

  /// The labels of the axes.
  private var labelLayers: [GnuplotLayer] {
    let across = layout.xLabelLines.isEmpty ? [" "] : layout.xLabelLines
    let up = layout.yLabelLines
    return across.enumerated().map { line, words in
      text(
        words, at: ("0.5", "0"), (0, -em * (2.6 + 1.25 * Double(line))),
        "center textcolor '#333333'")
    }
      + up.enumerated().map { line, words in
        text(
          words, at: ("0", "0.5"), (em * (0.9 + 1.25 * Double(line)) - layout.left, 0),
          "center rotate by 90 textcolor '#333333'")
      }
  }

  /// What moves the labels of the ticks of the horizontal axis, which the terminal for SVG draws lower than
  /// the others do.
  var tickOffset: String {
    format == .svg ? " offset screen 0,\(screen(0.65 * em / layout.height))" : ""
  }

  /// The lines of notes below the drawing.
  private var noteLayers: [GnuplotLayer] {
    let first = 3.1 + 1.25 * Double(layout.xLabelLines.count)
    return layout.noteLines.enumerated().map { line, note in
      text(
        note, at: ("0", "0"), (0.6 * em - layout.left, -em * (first + 1.1 * Double(line))),
        "left \(font(12)) textcolor '#555555'")
    }
  }
}

// MARK: - Series

extension GnuplotDrawing {
  /// Returns the band of a series' law.
  private func bandLayer(_ index: Int) -> GnuplotLayer {
    GnuplotLayer(
      rows: plot.curve(plot.series[index]).compactMap { point in
        point.band.map { ["\(point.x)", "\($0.lowerBound)", "\($0.upperBound)"] }
      },
      style: "using 1:2:3 with filledcurves fillcolor '\(colour(index))' "
        + "fillstyle transparent solid 0.13 noborder")
  }

  /// Returns the lines and points of a series.
  private func seriesLayers(_ index: Int) -> [GnuplotLayer] {
    lawLayers(index)
      + (plot.series[index].law == nil ? [connectionLayer(index)] : [])
      + (plot.series[index].isCounted ? [] : pointLayers(index))
  }

  /// Returns the curve of a series' law, dotted beyond the points.
  private func lawLayers(_ index: Int) -> [GnuplotLayer] {
    let series = plot.series[index]
    let (curve, domain) = (plot.curve(series), series.law?.domain)
    let pieces = [
      (curve.filter { !$0.isExtrapolated }, dash: 1),
      (curve.filter { $0.x >= domain?.upperBound ?? .infinity }, dash: 3),
      (curve.filter { $0.x <= domain?.lowerBound ?? 0 }, dash: 3),
    ]
    return pieces.map { points, dash in
      lineLayer(points.map { ($0.x, $0.y) }, colour(index), dash: dash)
    }
  }

  /// Returns the line between the points of a series.
  private func connectionLayer(_ index: Int) -> GnuplotLayer {
    lineLayer(plot.series[index].means, colour(index), dash: dash(index))
  }

  private func lineLayer(
    _ points: [(x: Double, y: Double)], _ colour: String, dash: Int
  ) -> GnuplotLayer {
    GnuplotLayer(
      rows: points.map { ["\($0.x)", "\($0.y)"] },
      style: "using 1:2 with lines linecolor '\(colour)' linewidth 1.6 dashtype \(dash)")
  }

  /// Returns the single trainings, the intervals, if there are any, and the marks of a series.
  private func pointLayers(_ index: Int) -> [GnuplotLayer] {
    let points = plot.series[index].points
    func place(_ point: Plot.Point) -> [String] { ["\(point.x)", "\(point.y)"] }
    let (single, others) = (
      points.filter { $0.kind == .training }, points.filter { $0.kind != .training }
    )
    return [
      GnuplotLayer(
        rows: single.map(place),
        style: "using 1:2 with points linecolor '\(colour(index))' linewidth 0.8 pointtype "
          + "\(Plot.hollowMarks[index % Plot.hollowMarks.count]) pointsize "
          + "\(PictureSize.plain((0.8e4 * pointSize).rounded() / 1e4))"),
      GnuplotLayer(
        rows: others.compactMap { point in
          point.interval.map { place(point) + ["\($0.lowerBound)", "\($0.upperBound)"] }
        },
        style: "using 1:2:3:4 with yerrorbars linecolor '\(colour(index))' linewidth 1.2 "
          + "pointtype -1"),
      GnuplotLayer(
        rows: others.map(place),
        style: "using 1:2 with points \(mark(index))"),
    ]
  }

  private func mark(_ index: Int) -> String {
    "linecolor '\(colour(index))' pointtype \(Plot.marks[index % Plot.marks.count]) pointsize "
      + PictureSize.plain(pointSize)
  }

  /// The size of marks; that of the cairo terminals also follows their `pointscale`.
  private var pointSize: Double {
    format == .svg ? (0.6 * layout.scale * 1e4).rounded() / 1e4 : 0.9
  }

  private func dash(_ index: Int) -> Int { Plot.dashes[index % Plot.dashes.count] }

  private func colour(_ index: Int) -> String { Plot.colours[index % Plot.colours.count] }
}

// MARK: - Names

extension GnuplotDrawing {
  /// The names of the series, if there are several.
  private var nameLayers: [GnuplotLayer] {
    switch layout.names {
    case .none: []
    case .right:
      nameHeights.enumerated().compactMap { index, height in
        height.map {
          text(
            plot.series[index].name, at: ("1", "\($0)"), (0.7 * em, 0),
            "left textcolor '\(colour(index))'")
        }
      }
    case .above:
      plot.series.indices.map { index in
        let place = legendPlace(index)
        return text(
          shortened(plot.series[index].name, to: place.width / em), at: ("0", "1"),
          (place.x + PictureLayout.Legend.mark * em - layout.left, place.y),
          "left textcolor '\(colour(index))'")
      }
    }
  }

  /// Returns where the entry of a series in the legend is: the distance from the left of the picture, the
  /// height above the drawing, and the width of its name.
  private func legendPlace(_ index: Int) -> (x: Double, y: Double, width: Double) {
    guard case .above(let legend) = layout.names else { return (0, 0, 0) }
    let (column, row) = index.quotientAndRemainder(dividingBy: legend.rows)
    let before = legend.columns.prefix(column).reduce(0, +)
    return (
      em * (1.7 + before), em * (1 + 1.3 * Double(legend.rows - 1 - row)),
      em * (legend.columns[column] - PictureLayout.Legend.mark)
    )
  }

  /// The commands that draw the marks of the legend, without any texts.
  var legendMarks: [String] {
    guard case .above = layout.names else { return [] }
    return plot.series.indices.flatMap { index -> [String] in
      let place = legendPlace(index)
      func point(_ ems: Double) -> String {
        let height = layout.height - layout.top + place.y
        return "screen \(screen((place.x + ems * em) / layout.width)),"
          + "\(screen(height / layout.height))"
      }
      let series = plot.series[index]
      let line =
        "set arrow \(index + 1) from \(point(0)) to \(point(2.1)) nohead linecolor "
        + "'\(colour(index))' linewidth 1.6 dashtype \(series.law == nil ? dash(index) : 1)"
      let mark = "set label \(index + 1) '' at \(point(1.05)) point \(mark(index))"
      return series.isCounted ? [line] : [line, mark]
    }
  }

  /// The height of each series' name, from 0 to 1: next to its last point, without overlapping its
  /// neighbours.
  private var nameHeights: [Double?] {
    let (range, gap) = (plot.yRange, 1.25 * em / layout.plotHeight)
    let ends = plot.series.enumerated().compactMap {
      index, series -> (index: Int, height: Double)? in
      guard let last = plot.curve(series).last?.y ?? series.means.last?.y else { return nil }
      return (index, min(1, max(0, plot.position(of: last, in: range, plot.y))))
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
    var result = [Double?](repeating: nil, count: plot.series.count)
    for (end, height) in zip(ends, heights) { result[end.index] = height }
    return result
  }
}
