import Tensors

extension KLDecoder {
  /// Decodes one latent in overlapping square tiles, which limits memory to that of a tile. Each
  /// tile has its own normalisation and attention, so the image differs from that of the whole
  /// latent.
  ///
  /// Adjacent tiles overlap by a quarter of a tile, where one fades linearly into the other, first
  /// with the tile above and then with the tile on the left.
  ///
  /// - Parameters:
  ///   - z: `[Cz, h, w]`. A latent that is not larger than a tile is decoded as a whole.
  ///   - tile: The side of a tile in pixels of the latent, a multiple of 4.
  /// - Returns: `[C, s h, s w]`.
  /// - SeeAlso: `AutoencoderKL.tiled_decode` in huggingface/diffusers 0.42.1, with `tile` as its
  ///   `tile_latent_min_size` and its `tile_overlap_factor` of 0.25.
  package func callAsFunction(_ z: Tensor, tile: Int) -> Tensor {
    precondition(tile > 0 && tile.isMultiple(of: 4), "tiles of \(tile)")
    let (height, width) = (z.shape[1], z.shape[2])
    guard height > tile || width > tile else { return self(z) }
    let (scale, step) = (configuration.scale, tile - tile / 4)
    let overlap = scale * (tile - step)
    var image = Tensor(zeros: [configuration.imageChannels, scale * height, scale * width])
    var above: [Tensor] = []
    for top in stride(from: 0, to: height, by: step) {
      var row: [Tensor] = []
      for left in stride(from: 0, to: width, by: step) {
        var piece = self(
          z.cropped(top..<min(top + tile, height), left..<min(left + tile, width)))
        if top > 0 { piece.fadeFromAbove(above[row.count], overlap: overlap) }
        if let neighbour = row.last { piece.fadeFromLeft(neighbour, overlap: overlap) }
        // Pixels that the next tile also covers are overwritten by it.
        image.paste(piece, row: scale * top, column: scale * left)
        row.append(piece)
      }
      above = row
    }
    return image
  }
}

/// Parts of images `[C, H, W]`.
extension Tensor {
  fileprivate func cropped(_ rows: Range<Int>, _ columns: Range<Int>) -> Tensor {
    var part: [Float] = []
    part.reserveCapacity(shape[0] * rows.count * columns.count)
    for channel in 0..<shape[0] {
      for row in rows {
        let start = (channel * shape[1] + row) * shape[2]
        part += values[start + columns.lowerBound..<start + columns.upperBound]
      }
    }
    return Tensor(shape: [shape[0], rows.count, columns.count], values: part)
  }

  fileprivate mutating func paste(_ part: Tensor, row: Int, column: Int) {
    for channel in 0..<shape[0] {
      for y in 0..<part.shape[1] {
        let to = (channel * shape[1] + row + y) * shape[2] + column
        let from = (channel * part.shape[1] + y) * part.shape[2]
        values.replaceSubrange(
          to..<to + part.shape[2], with: part.values[from..<from + part.shape[2]])
      }
    }
  }

  /// Fades from the last `overlap` rows of `other`, which has the same width, into the first rows
  /// of this image.
  fileprivate mutating func fadeFromAbove(_ other: Tensor, overlap: Int) {
    let rows = min(overlap, shape[1], other.shape[1])
    for channel in 0..<shape[0] {
      for y in 0..<rows {
        let share = Float(y) / Float(rows)
        let to = (channel * shape[1] + y) * shape[2]
        let from = (channel * other.shape[1] + other.shape[1] - rows + y) * shape[2]
        for x in 0..<shape[2] {
          values[to + x] = other.values[from + x] * (1 - share) + values[to + x] * share
        }
      }
    }
  }

  /// Fades from the last `overlap` columns of `other`, which has the same height, into the first
  /// columns of this image.
  fileprivate mutating func fadeFromLeft(_ other: Tensor, overlap: Int) {
    let columns = min(overlap, shape[2], other.shape[2])
    for row in 0..<shape[0] * shape[1] {
      let (to, from) = (row * shape[2], (row + 1) * other.shape[2] - columns)
      for x in 0..<columns {
        let share = Float(x) / Float(columns)
        values[to + x] = other.values[from + x] * (1 - share) + values[to + x] * share
      }
    }
  }
}
