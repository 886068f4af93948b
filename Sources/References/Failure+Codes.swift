import Files

extension Failure.Code {
  /// A text is not an address to download from.
  public static let addressInvalid = Failure.Code("AddressInvalid")
  /// The program that downloads is not installed.
  public static let curlMissing = Failure.Code("CurlMissing")
  /// Covariances were divided by different numbers.
  public static let ddofMismatch = Failure.Code("DdofMismatch")
  /// Features were computed in dialects that cannot be compared.
  public static let dialectMismatch = Failure.Code("DialectMismatch")
  /// Features have different lengths.
  public static let dimensionMismatch = Failure.Code("DimensionMismatch")
  /// A download failed.
  public static let downloadFailed = Failure.Code("DownloadFailed")
  /// A download is larger than expected.
  public static let downloadLimit = Failure.Code("DownloadLimit")
  /// Features were computed by different extractors.
  public static let extractorMismatch = Failure.Code("ExtractorMismatch")
  /// A file contradicts its record.
  public static let factContradicted = Failure.Code("FactContradicted")
  /// A file does not have its SHA-256.
  public static let hashMismatch = Failure.Code("HashMismatch")
  /// An output has a name that its format does not allow.
  public static let invalidOutput = Failure.Code("InvalidOutput")
  /// A file can only be downloaded by hand.
  public static let noDirectDownload = Failure.Code("NoDirectDownload")
  /// Statistics have no rows of features.
  public static let noFeatureRows = Failure.Code("NoFeatureRows")
  /// Weights are there in a form that must be converted first.
  public static let notConverted = Failure.Code("NotConverted")
  /// Statistics were computed from images of a different size.
  public static let resolutionMismatch = Failure.Code("ResolutionMismatch")
  /// A statistics file is refused.
  public static let statsInvalid = Failure.Code("StatsInvalid")
  /// Statistics are known but have not been fetched.
  public static let statsUnavailable = Failure.Code("StatsUnavailable")
  /// There are no statistics of that name.
  public static let statsUnknown = Failure.Code("StatsUnknown")
  /// There is no extractor of that name.
  public static let unknownExtractor = Failure.Code("UnknownExtractor")
  /// Weights in the cache were changed.
  public static let weightsChanged = Failure.Code("WeightsChanged")
  /// The weights of an extractor are not there.
  public static let weightsUnavailable = Failure.Code("WeightsUnavailable")
}
