import Files

extension Failure.Code {
  /// A file name has characters that are not allowed.
  public static let fileName = Failure.Code("FileName")
  /// gnuplot ended with an error.
  public static let gnuplotFailed = Failure.Code("GnuplotFailed")
  /// gnuplot is not installed.
  public static let gnuplotMissing = Failure.Code("GnuplotMissing")
  /// A document lacks a metric.
  public static let metricMissing = Failure.Code("MetricMissing")
  /// Points of different models would be averaged.
  public static let mixedModels = Failure.Code("MixedModels")
  /// Points with different settings would be averaged.
  public static let mixedSettings = Failure.Code("MixedSettings")
  /// There are no points to draw.
  public static let nothingToPlot = Failure.Code("NothingToPlot")
  /// The size of a picture is too small for its texts, or has a unit that the format lacks.
  public static let pictureSize = Failure.Code("PictureSize")
  /// A policy is not valid.
  public static let policyInvalid = Failure.Code("PolicyInvalid")
  /// A file cannot be shown in a report.
  public static let reportInput = Failure.Code("ReportInput")
  /// A verdict belongs to a different result.
  public static let verdictMismatch = Failure.Code("VerdictMismatch")
}
