import Foundation

/// A block of data and how gnuplot draws it.
struct GnuplotLayer {
  /// The rows of the block, each with its columns.
  var rows: [[String]]
  /// The part of the command that follows the number of the block.
  var style: String
}

// Layers are drawn in their order, so that later ones cover earlier ones. The second axes, x2 and
// y2, go from 0 to 1; texts are placed by them.
extension Plot {
  /// The title, and the labels of the axes.
  var titleLayers: [GnuplotLayer] {
    let left = Self.leftMargin - 2
    return [
      GnuplotLayer(
        rows: [["0", "1", title]],
        style: "using 1:2:3 axes x2y2 with labels left offset character -\(left),1.6 font ',18' "
          + "textcolor '#111111'"),
      GnuplotLayer(
        rows: [["0.5", "0", x.label]],
        style: "using 1:2:3 axes x2y2 with labels center offset character 0,-2.6 "
          + "textcolor '#333333'"),
      GnuplotLayer(
        rows: [["0", "0.5", y.label]],
        style: "using 1:2:3 axes x2y2 with labels center rotate by 90 offset character -\(left),0 "
          + "textcolor '#333333'"),
    ]
  }

  /// Returns the lines of notes below the drawing.
  func noteLayers(_ lines: [String]) -> [GnuplotLayer] {
    lines.enumerated().map { line, note in
      GnuplotLayer(
        rows: [["0", "0", note]],
        style: "using 1:2:3 axes x2y2 with labels left offset character -\(Self.leftMargin - 2),"
          + "\(-4.6 - 1.25 * Double(line)) font ',12' textcolor '#555555'")
    }
  }

  /// Returns the band of a series' law.
  func bandLayer(_ index: Int) -> GnuplotLayer {
    GnuplotLayer(
      rows: curve(series[index]).compactMap { point in
        point.band.map { ["\(point.x)", "\($0.lowerBound)", "\($0.upperBound)"] }
      },
      style: "using 1:2:3 with filledcurves fillcolor '\(colour(index))' "
        + "fillstyle transparent solid 0.13 noborder")
  }

  /// Returns the lines and points of a series.
  func seriesLayers(_ index: Int, _ format: PictureFormat) -> [GnuplotLayer] {
    lawLayers(index)
      + (series[index].law == nil ? [connectionLayer(index)] : [])
      + (series[index].isCounted ? [] : pointLayers(index, format))
  }

  /// Returns the curve of a series' law, dotted beyond the points.
  private func lawLayers(_ index: Int) -> [GnuplotLayer] {
    let (curve, domain) = (curve(series[index]), series[index].law?.domain)
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
    lineLayer(
      series[index].means, colour(index), dash: Self.dashes[index % Self.dashes.count])
  }

  private func lineLayer(
    _ points: [(x: Double, y: Double)], _ colour: String, dash: Int
  ) -> GnuplotLayer {
    GnuplotLayer(
      rows: points.map { ["\($0.x)", "\($0.y)"] },
      style: "using 1:2 with lines linecolor '\(colour)' linewidth 1.6 dashtype \(dash)")
  }

  /// Returns the intervals, if there are any, and the marks of a series.
  private func pointLayers(_ index: Int, _ format: PictureFormat) -> [GnuplotLayer] {
    let rows = series[index].points.map { point in
      [
        "\(point.x)", "\(point.y)", "\(point.interval?.lowerBound ?? point.y)",
        "\(point.interval?.upperBound ?? point.y)",
      ]
    }
    let intervals = GnuplotLayer(
      rows: rows,
      style: "using 1:2:3:4 with yerrorbars linecolor '\(colour(index))' linewidth 1.2 "
        + "pointtype -1")
    let marks = GnuplotLayer(
      rows: rows,
      style: "using 1:2 with points linecolor '\(colour(index))' pointtype "
        + "\(Self.marks[index % Self.marks.count]) pointsize \(format == .svg ? 0.6 : 0.9)")
    return series[index].points.contains { $0.interval != nil } ? [intervals, marks] : [marks]
  }

  private func colour(_ index: Int) -> String { Self.colours[index % Self.colours.count] }
}

// MARK: - Names

extension Plot {
  /// The names of the series, if there are several.
  var nameLayers: [GnuplotLayer] {
    guard series.count > 1 else { return [] }
    return nameHeights.enumerated().compactMap { index, height in
      height.map {
        GnuplotLayer(
          rows: [["1", "\($0)", series[index].name]],
          style: "using 1:2:3 axes x2y2 with labels left offset character 1,0 "
            + "textcolor '\(colour(index))'")
      }
    }
  }

  /// The height of each series' name, from 0 to 1: next to its last point, without overlapping its
  /// neighbours.
  private var nameHeights: [Double?] {
    let (range, gap) = (yRange, 0.052)
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
