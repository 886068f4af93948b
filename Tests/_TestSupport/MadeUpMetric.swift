import GenerativeMetrics

/// A metric of a made-up result, as JSON, whose parts agree with each other.
package struct MadeUpMetric {
  package var value: Double
  package var higherIsBetter = false
  /// The values without each group; none for no jackknife.
  package var leftOut: [Double] = []
  /// As JSON; nil for what follows from the jackknife.
  package var interval: String?
  /// Further keys, each after a comma.
  package var more = ""
  /// Number of samples.
  package var count = 50_000

  /// A metric of a standard error: of twenty equal groups that are `d` above and below in turn it is
  /// d √19.
  package init(_ value: Double, error: Double?, higherIsBetter: Bool = false, more: String = "") {
    (self.value, self.higherIsBetter, self.more) = (value, higherIsBetter, more)
    guard let error else { return }
    let step = error / 19.0.squareRoot()
    leftOut = (0..<Jackknife.groupCount).map { value + ($0 % 2 == 0 ? step : -step) }
  }

  /// The jackknife that the interval follows from, nil without as many values as it has.
  package var jackknife: Jackknife? {
    leftOut.count == Jackknife.groupCount
      ? Jackknife(value: value, leftOut: leftOut, count: count) : nil
  }

  /// Low and high end.
  package var ends: [Double]? {
    jackknife.map { [$0.positiveInterval.lowerBound, $0.positiveInterval.upperBound] }
  }

  /// The object.
  package var json: String {
    let interval =
      interval ?? ends.map { "[\($0.map { "\($0)" }.joined(separator: ", "))]" } ?? "null"
    var text = "{\"value\": \(value), \"interval\": \(interval), "
    text += "\"higher_is_better\": \(higherIsBetter)"
    if let jackknife { text += ", \"bias\": \(jackknife.bias), \"confidence\": 0.95" }
    if !leftOut.isEmpty {
      let values = leftOut.map { "\($0)" }.joined(separator: ", ")
      text += ", \"jackknife\": {\"groups\": \(leftOut.count), \"values\": [\(values)]}"
    }
    return text + more + "}"
  }
}
