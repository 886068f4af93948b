/// Whether distances and scores have intervals, and if not, why.
package enum IntervalChoice: Equatable, Sendable {
  /// Intervals are computed.
  case computed
  /// Intervals are omitted, for the reason recorded in the result.
  case omitted(reason: String)

  /// The reason for an evaluation that was requested without intervals.
  package static let notAskedFor = "not asked for"
}

extension ClosedRange {
  /// The lower and the upper bound.
  package var ends: [Bound] { [lowerBound, upperBound] }
}
