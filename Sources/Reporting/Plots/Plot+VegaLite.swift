import Foundation
import Results

extension Plot {
  /// Returns the drawing as a Vega-Lite 5 specification with its data.
  ///
  /// - Throws: `EncodingError` if a number is not finite.
  public func vegaLite() throws -> [UInt8] { try encodedJSON(VegaLite(self).specification) }
}

/// The Vega-Lite specification of a plot, in layers from the back to the front.
private struct VegaLite {
  /// The columns of a row of data, by name.
  typealias Row = [String: JSONValue]

  let plot: Plot
  private let x: JSONValue
  private let yRange: ClosedRange<Double>

  init(_ plot: Plot) {
    self.plot = plot
    x = Self.channel("x", plot.x, plot.xRange)
    yRange = plot.yRange
  }

  var specification: JSONValue {
    let layers = [bands, curves, extrapolations, connections, trainings, intervals, marks]
    let whole: Row = [
      "$schema": .text("https://vega.github.io/schema/vega-lite/v5.json"),
      "layer": .array(layers.compactMap(\.self)),
    ]
    return .object(whole.merging(title) { $1 }.merging(size) { $1 })
  }

  /// The title and the notes, where the drawing has them.
  private var title: Row {
    guard plot.caption != .none else { return [:] }
    let notes: Row =
      plot.caption == .all ? ["subtitle": .array(plot.notes.map(JSONValue.text))] : [:]
    return [
      "title": .object(
        [
          "text": .text(plot.title), "anchor": .text("start"),
          "subtitleColor": .text("#555555"),
        ].merging(notes) { $1 })
    ]
  }

  /// The size of the area with the points or, if a size is given, of the whole drawing with texts of 8
  /// points. Vega counts 96 pixels for an inch.
  private var size: Row {
    guard let size = plot.size else { return ["width": .integer(600), "height": .integer(400)] }
    let scale = size.unit == .pixels ? 1 : 0.96
    let (width, height) = size.units
    let text = JSONValue.number(scale * 15 * max(8 / 10.8, min(width / 840, height / 560)))
    let fonts = JSONValue.object(["labelFontSize": text, "titleFontSize": text])
    return [
      "width": .number((scale * width).rounded()), "height": .number((scale * height).rounded()),
      "autosize": .object(["type": .text("fit"), "contains": .text("padding")]),
      "config": .object([
        "axis": fonts, "legend": fonts, "title": .object(["fontSize": text]),
      ]),
    ]
  }

  /// Returns a layer with the given mark and data, whose encoding consists of the horizontal
  /// position, the colour of the series, and `encoding`; nil if there are no data.
  private func layer(_ mark: Row, _ rows: [Row], _ encoding: Row) -> JSONValue? {
    guard !rows.isEmpty else { return nil }
    return .object([
      "data": .object(["values": .array(rows.map(JSONValue.object))]), "mark": .object(mark),
      "encoding": .object(["x": x, "color": colour].merging(encoding) { $1 }),
    ])
  }
}

// MARK: - Encodings

extension VegaLite {
  private static func channel(
    _ field: String, _ axis: Plot.Axis, _ range: ClosedRange<Double>
  ) -> JSONValue {
    .object([
      "field": .text(field), "type": .text("quantitative"), "title": .text(axis.label),
      "scale": .object([
        "type": .text(axis.isLogarithmic ? "log" : "linear"), "nice": .boolean(false),
        "zero": .boolean(false),
        "domain": .array([.number(range.lowerBound), .number(range.upperBound)]),
      ]),
    ])
  }

  /// The vertical position of a value.
  private var height: Row { ["y": Self.channel("y", plot.y, yRange)] }

  /// The vertical positions of an interval's ends.
  private var extent: Row {
    ["y": Self.channel("low", plot.y, yRange), "y2": .object(["field": .text("high")])]
  }

  private var names: JSONValue { .array(plot.series.map { .text($0.name) }) }

  private var colour: JSONValue {
    .object([
      "field": .text("series"), "type": .text("nominal"), "sort": names, "title": .null,
      "scale": .object([
        "domain": names,
        "range": .array(
          plot.series.indices.map { .text(Plot.colours[$0 % Plot.colours.count]) }),
      ]),
    ])
  }

  private var shape: JSONValue {
    .object([
      "field": .text("series"), "type": .text("nominal"), "sort": names, "legend": .null,
    ])
  }

  private var tooltip: JSONValue {
    .array(
      ["name", "x", "y"].map {
        .object(["field": .text($0), "type": .text($0 == "name" ? "nominal" : "quantitative")])
      })
  }
}

// MARK: - Laws

extension VegaLite {
  /// The bands of the laws' means.
  private var bands: JSONValue? {
    let rows = plot.series.flatMap { series in
      plot.curve(series).compactMap { point in
        point.band.map { Self.row(series, x: point.x, $0) }
      }
    }
    return layer(
      ["type": .text("area"), "opacity": .number(0.15), "clip": .boolean(true)], rows, extent)
  }

  /// The laws within the range of the points.
  private var curves: JSONValue? {
    let rows = plot.series.flatMap { series in
      plot.curve(series).filter { !$0.isExtrapolated }.map { Self.row(series, x: $0.x, y: $0.y) }
    }
    return layer(["type": .text("line"), "clip": .boolean(true)], rows, height)
  }

  /// The laws beyond the points, dashed. A line consists of several pieces, each including an end
  /// of the points' range.
  private var extrapolations: JSONValue? {
    let rows = plot.series.flatMap { series in
      let all = plot.curve(series)
      return [
        all.filter { $0.x >= series.law?.domain.upperBound ?? 0 },
        all.filter { $0.x <= series.law?.domain.lowerBound ?? 0 },
      ].enumerated().filter { $0.element.count > 1 }.flatMap { side, piece in
        piece.map { point in
          Self.row(series, x: point.x, y: point.y)
            .merging(["side": .integer(Int64(side))]) { $1 }
        }
      }
    }
    let detail = JSONValue.object(["field": .text("side"), "type": .text("nominal")])
    return layer(
      [
        "type": .text("line"), "clip": .boolean(true),
        "strokeDash": .array([.integer(4), .integer(4)]),
      ], rows, height.merging(["detail": detail]) { $1 })
  }
}

// MARK: - Points

extension VegaLite {
  /// The lines between points of series without a law.
  private var connections: JSONValue? {
    let rows = plot.series.filter { $0.law == nil }.flatMap { series in
      series.means.map { Self.row(series, x: $0.x, y: $0.y) }
    }
    return layer(["type": .text("line")], rows, height)
  }

  /// The intervals of the points.
  private var intervals: JSONValue? {
    let rows = plot.series.flatMap { series in
      series.points.filter { $0.kind != .training }.compactMap { point in
        point.interval.map { Self.row(series, x: point.x, $0) }
      }
    }
    return layer(["type": .text("rule")], rows, extent)
  }

  /// The measured points.
  private var marks: JSONValue? {
    points(
      size: 60, isFilled: true, plot.series.filter { !$0.isCounted }
    ) { $0.kind != .training }
  }

  /// The single trainings of which means are drawn.
  private var trainings: JSONValue? {
    points(size: 22, isFilled: false, plot.series) { $0.kind == .training }
  }

  private func points(
    size: Int64, isFilled: Bool, _ series: [Plot.Series], where isShown: (Plot.Point) -> Bool
  ) -> JSONValue? {
    let rows = series.flatMap { series in
      series.points.filter(isShown).map { point in
        Self.row(series, x: point.x, y: point.y).merging([
          "name": .text(point.name), "kind": .text(point.kind.rawValue),
        ]) { $1 }
      }
    }
    return layer(
      [
        "type": .text("point"), "filled": .boolean(isFilled), "size": .integer(size),
        "opacity": .integer(1),
      ], rows, height.merging(["shape": shape, "tooltip": tooltip]) { $1 })
  }

  private static func row(_ series: Plot.Series, x: Double, y: Double) -> Row {
    ["series": .text(series.name), "x": .number(x), "y": .number(y)]
  }

  private static func row(
    _ series: Plot.Series, x: Double, _ interval: ClosedRange<Double>
  ) -> Row {
    [
      "series": .text(series.name), "x": .number(x), "low": .number(interval.lowerBound),
      "high": .number(interval.upperBound),
    ]
  }
}
