import Files
import Foundation
import Results

extension Plot {
  /// The points as comma-separated values (RFC 4180): series, name, x, y, low, high, kind. The title,
  /// axes and notes are lines that begin with `#`. The kind is `evaluation`, `mean` or `training`.
  public var csv: String {
    let comments = ["\(title)", "x: \(x.label)", "y: \(y.label)"] + notes
    let lines =
      comments.map { "# \(replacing(["\r": " ", "\n": " "], in: $0))\n" } + [
        "series,name,x,y,low,high,kind\n"
      ]
      + series.flatMap { series in
        series.points.map { point in
          let ends = point.interval.map { ["\($0.lowerBound)", "\($0.upperBound)"] } ?? ["", ""]
          return CommaSeparated.spreadsheetLine(
            [series.name, point.name, "\(point.x)", "\(point.y)"] + ends + [point.kind.rawValue])
        }
      }
    return lines.joined()
  }
}

extension Plot {
  /// Returns the points and laws as JSON.
  ///
  /// - Throws: `EncodingError` if a number is not finite.
  public func json() throws -> [UInt8] {
    func ends(_ range: ClosedRange<Double>?) -> JSONValue {
      range.map { .array([.number($0.lowerBound), .number($0.upperBound)]) } ?? .null
    }
    let series = series.map { series -> JSONValue in
      .object([
        "name": .text(series.name),
        "points": .array(
          series.points.map { point in
            .object([
              "name": .text(point.name), "x": .number(point.x), "y": .number(point.y),
              "interval": ends(point.interval), "kind": .text(point.kind.rawValue),
            ])
          }),
        "law": series.law.map { law in
          .object([
            "asymptote": .number(law.asymptote), "factor": .number(law.factor),
            "exponent": .number(law.exponent), "exponent_interval": ends(law.exponentInterval),
            "r_squared": .number(law.rSquared), "count": .integer(Int64(law.count)),
            "domain": ends(law.domain),
          ])
        } ?? .null,
      ])
    }
    return try encodedJSON(
      JSONValue.object([
        "schema": .text("dis-eval-plot/1"), "title": .text(title), "x": .text(x.label),
        "y": .text(y.label), "series": .array(series), "notes": .array(notes.map(JSONValue.text)),
      ]))
  }
}
