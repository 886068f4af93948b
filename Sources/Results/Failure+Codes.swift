import Files

extension Failure.Code {
  /// A baseline is not valid.
  public static let baselineInvalid = Failure.Code("BaselineInvalid")
  /// A record does not say enough to repeat its samples.
  public static let cannotSampleAgain = Failure.Code("CannotSampleAgain")
  /// A document cannot be exported in the format.
  public static let exportInvalid = Failure.Code("ExportInvalid")
  /// A file beside a result is not the one that the result names.
  public static let influenceInvalid = Failure.Code("InfluenceInvalid")
  /// A ledger contains the markers of a merge conflict.
  public static let ledgerConflict = Failure.Code("LedgerConflict")
  /// A line of a ledger is not valid.
  public static let ledgerInvalid = Failure.Code("LedgerInvalid")
  /// A list of checkpoints is not valid.
  public static let listInvalid = Failure.Code("ListInvalid")
  /// A metric has no interval.
  public static let noInterval = Failure.Code("NoInterval")
  /// A file is not the result of a benchmark.
  public static let noMeasurement = Failure.Code("NoMeasurement")
  /// Two results cannot be compared.
  public static let notComparable = Failure.Code("NotComparable")
  /// A result is not valid.
  public static let resultInvalid = Failure.Code("ResultInvalid")
  /// A verdict is not valid.
  public static let verdictInvalid = Failure.Code("VerdictInvalid")
}
