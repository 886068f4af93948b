/// Whether distances and scores get intervals, or why they do not.
package enum IntervalChoice: Equatable, Sendable {
  /// They do.
  case computed
  /// They do not, for the reason that the result gives.
  case omitted(reason: String)

  /// The reason when the evaluation was asked for without intervals.
  package static let notAskedFor = "not asked for"
}
