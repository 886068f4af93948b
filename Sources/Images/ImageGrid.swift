/// Returns a contact sheet: the images on black, in rows of `columns`.
///
/// The layout is that of torchvision's `make_grid`, except that a single image is also surrounded
/// by padding.
///
/// - Parameters:
///   - images: At least one image; all have the same size and number of channels.
///   - columns: The number of images in a row.
///   - padding: The number of black pixels around and between the images.
package func imageGrid(_ images: [Image], columns: Int, padding: Int = 2) -> Image {
  let (tile, columns) = (images[0], min(columns, images.count))
  let rows = (images.count + columns - 1) / columns
  let width = columns * (tile.width + padding) + padding
  let height = rows * (tile.height + padding) + padding
  var pixels = [UInt8](repeating: 0, count: width * height * tile.channels)
  for (index, image) in images.enumerated() {
    precondition(
      (image.width, image.height, image.channels) == (tile.width, tile.height, tile.channels),
      "the images of a grid have one size")
    let left = padding + index % columns * (tile.width + padding)
    let top = padding + index / columns * (tile.height + padding)
    let rowCount = tile.width * tile.channels
    for y in 0..<tile.height {
      let start = ((top + y) * width + left) * tile.channels
      pixels.replaceSubrange(
        start..<start + rowCount, with: image.pixels[y * rowCount..<(y + 1) * rowCount])
    }
  }
  return Image(width: width, height: height, channels: tile.channels, pixels: pixels)
}
