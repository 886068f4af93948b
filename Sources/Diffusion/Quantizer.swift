/// The conversion of a float sample in [-1, 1] to bytes.
public enum Quantizer: String, CaseIterable, Sendable {
  /// `clamp(127.5 x + 128, 0, 255)`, truncated, which rounds half up: DiT, EDM, torchvision's
  /// `save_image`.
  case dit
  /// `clamp((x + 1) 127.5, 0, 255)`, truncated, which is one less for half of all values: ADM.
  case adm

  /// Returns the byte that a value of a sample is converted to.
  ///
  /// - Parameter x: The value, nominally in [-1, 1] and never NaN. Values outside are clamped.
  package func callAsFunction(_ x: Float) -> UInt8 {
    let value =
      switch self {
      case .dit: 127.5 * x + 128
      case .adm: (x + 1) * 127.5
      }
    return UInt8(min(max(value, 0), 255))
  }
}
