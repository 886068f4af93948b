import Foundation
import Results

extension Plot {
  /// Returns the drawing as a Vega-Lite 5 specification with its data.
  ///
  /// - Throws: `EncodingError` if a number is not finite.
  public func vegaLite() throws -> [UInt8] {
    func number(_ value: Double) -> JSONValue { .number(value) }
    func values(_ rows: [[String: JSONValue]]) -> JSONValue {
      .object(["values": .array(rows.map(JSONValue.object))])
    }
    func channel(_ field: String, _ axis: Axis, _ range: ClosedRange<Double>) -> JSONValue {
      .object([
        "field": .text(field), "type": .text("quantitative"), "title": .text(axis.label),
        "scale": .object([
          "type": .text(axis.isLogarithmic ? "log" : "linear"), "nice": .boolean(false),
          "zero": .boolean(false),
          "domain": .array([number(range.lowerBound), number(range.upperBound)]),
        ]),
      ])
    }
    let (across, up) = (xRange, yRange)
    let order = JSONValue.array(series.map { .text($0.name) })
    let colour = JSONValue.object([
      "field": .text("series"), "type": .text("nominal"), "sort": order, "title": .null,
      "scale": .object([
        "domain": order,
        "range": .array(series.indices.map { .text(Self.colours[$0 % Self.colours.count]) }),
      ]),
    ])
    let shape = JSONValue.object([
      "field": .text("series"), "type": .text("nominal"), "sort": order, "legend": .null,
    ])
    let horizontal = channel("x", x, across)
    func layer(
      _ mark: [String: JSONValue], _ rows: [[String: JSONValue]], _ more: [String: JSONValue]
    ) -> JSONValue? {
      guard !rows.isEmpty else { return nil }
      return .object([
        "data": values(rows), "mark": .object(mark),
        "encoding": .object(["x": horizontal, "color": colour].merging(more) { $1 }),
      ])
    }
    let curves = series.flatMap { series in curve(series).map { (series.name, $0) } }
    let points = series.flatMap { series in
      series.points.map { (series: series, point: $0) }
    }
    let layers = [
      layer(
        ["type": .text("area"), "opacity": number(0.15), "clip": .boolean(true)],
        curves.compactMap { name, point in
          point.band.map {
            [
              "series": .text(name), "x": number(point.x), "low": number($0.lowerBound),
              "high": number($0.upperBound),
            ]
          }
        }, ["y": channel("low", y, up), "y2": .object(["field": .text("high")])]),
      layer(
        ["type": .text("line"), "clip": .boolean(true)],
        curves.filter { !$0.1.isExtrapolated }.map { name, point in
          ["series": .text(name), "x": number(point.x), "y": number(point.y)]
        }, ["y": channel("y", y, up)]),
      layer(
        [
          "type": .text("line"), "clip": .boolean(true),
          "strokeDash": .array([.integer(4), .integer(4)]),
        ],
        // Lines consist of several pieces, each including an end of the points' range.
        series.flatMap { series in
          let all = curve(series)
          return [
            all.filter { $0.x >= series.law?.domain.upperBound ?? 0 },
            all.filter { $0.x <= series.law?.domain.lowerBound ?? 0 },
          ].enumerated().filter { $0.element.count > 1 }.flatMap { side, piece in
            piece.map {
              [
                "series": .text(series.name), "side": .integer(Int64(side)), "x": number($0.x),
                "y": number($0.y),
              ]
            }
          }
        },
        [
          "y": channel("y", y, up),
          "detail": .object(["field": .text("side"), "type": .text("nominal")]),
        ]),
      layer(
        ["type": .text("line")],
        series.filter { $0.law == nil }.flatMap { series in
          series.means.map { ["series": .text(series.name), "x": number($0.x), "y": number($0.y)] }
        }, ["y": channel("y", y, up)]),
      layer(
        ["type": .text("rule")],
        points.compactMap { entry in
          entry.point.interval.map {
            [
              "series": .text(entry.series.name), "x": number(entry.point.x),
              "low": number($0.lowerBound), "high": number($0.upperBound),
            ]
          }
        }, ["y": channel("low", y, up), "y2": .object(["field": .text("high")])]),
      layer(
        [
          "type": .text("point"), "filled": .boolean(true), "size": .integer(60),
          "opacity": .integer(1),
        ],
        points.filter { !$0.series.isCounted }.map {
          [
            "series": .text($0.series.name), "name": .text($0.point.name),
            "x": number($0.point.x), "y": number($0.point.y),
          ]
        },
        [
          "y": channel("y", y, up), "shape": shape,
          "tooltip": .array(
            ["name", "x", "y"].map {
              .object([
                "field": .text($0), "type": .text($0 == "name" ? "nominal" : "quantitative"),
              ])
            }),
        ]),
    ]
    return try encodedJSON(
      JSONValue.object([
        "$schema": .text("https://vega.github.io/schema/vega-lite/v5.json"),
        "title": .object([
          "text": .text(title), "subtitle": .array(notes.map(JSONValue.text)),
          "anchor": .text("start"), "subtitleColor": .text("#555555"),
        ]),
        "width": .integer(600), "height": .integer(400),
        "layer": .array(layers.compactMap(\.self)),
      ]))
  }
}
