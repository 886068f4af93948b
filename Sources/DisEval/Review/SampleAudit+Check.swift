import Results

extension SampleAudit {
  /// The audit as a check of a gate: pass if all samples are identical; worse if some differ on the
  /// code path of the result; undecided on a different one.
  public var check: GateReport.Check {
    guard let first = different.first else {
      return GateReport.Check(
        audit: .pass,
        reason: close.isEmpty
          ? "\(indices.count) regenerated samples are identical"
          : "\(indices.count - close.count) of \(indices.count) regenerated samples are identical, "
            + "and \(close.count) differ in their last bits, as the generator announces")
    }
    let found =
      "\(different.count) of \(indices.count) regenerated samples differ, the first is \(first)"
    guard recorded != now else { return GateReport.Check(audit: .worse, reason: found) }
    return GateReport.Check(
      audit: .cannotSay,
      reason: found + "; but the result was computed by \(recorded.tool) on \(recorded.kernels), "
        + "and these samples by \(now.tool) on \(now.kernels); choose the kernels with `kernels`")
  }

  /// Returns the check for a result whose samples cannot be regenerated; nil if they can.
  ///
  /// - Parameter result: The result to audit.
  public static func undecided(_ result: EvaluationResult) -> GateReport.Check? {
    guard result.sampleDigests == nil else { return nil }
    return GateReport.Check(
      audit: .cannotSay,
      reason: result.provenance.seed == nil
        ? "no samples were made" : "the result does not record its samples one by one")
  }
}
