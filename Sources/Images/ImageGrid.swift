/// The images side by side in rows of `columns`, on black: a contact sheet.
///
/// `padding` black pixels lie around and between the images. The layout is that of torchvision's
/// `make_grid`, which also surrounds a single image.
///
/// - Parameter images: At least one, all of one size and one number of channels.
public func imageGrid(_ images: [Image], columns: Int, padding: Int = 2) -> Image {
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
