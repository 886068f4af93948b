/// An 8-bit image: `channels` is 1 (grey) or 3 (RGB).
public struct Image: Equatable, Sendable {
  /// Columns.
  public let width: Int
  /// Rows.
  public let height: Int
  /// 1 for grey, 3 for RGB.
  public let channels: Int
  /// `height * width * channels` bytes, rows top to bottom, channel fastest (H, W, C).
  public let pixels: [UInt8]

  /// Wraps `pixels`, whose count must be `width * height * channels`.
  public init(width: Int, height: Int, channels: Int, pixels: [UInt8]) {
    precondition(channels == 1 || channels == 3, "channels must be 1 or 3")
    precondition(pixels.count == width * height * channels, "pixel count does not match extents")
    self.width = width
    self.height = height
    self.channels = channels
    self.pixels = pixels
  }
}
