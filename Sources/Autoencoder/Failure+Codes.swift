import Files

extension Failure.Code {
  /// A file does not hold a decoder of latents.
  public static let notADecoder = Failure.Code("NotADecoder")
}
