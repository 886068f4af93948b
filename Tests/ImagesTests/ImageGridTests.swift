import Images
import Testing

@Suite struct ImageGridTests {
  /// Images of 1 x 2 pixels, all of one value.
  private func images(_ values: [UInt8], channels: Int = 1) -> [Image] {
    values.map {
      Image(
        width: 2, height: 1, channels: channels, pixels: [UInt8](repeating: $0, count: 2 * channels)
      )
    }
  }

  @Test func byHand() {
    let grid = imageGrid(images([1, 2, 3]), columns: 2, padding: 1)
    #expect(
      grid
        == Image(
          width: 7, height: 5, channels: 1,
          pixels: [
            0, 0, 0, 0, 0, 0, 0,
            0, 1, 1, 0, 2, 2, 0,
            0, 0, 0, 0, 0, 0, 0,
            0, 3, 3, 0, 0, 0, 0,
            0, 0, 0, 0, 0, 0, 0,
          ]))
  }

  @Test("more columns than images are not made") func fewImages() {
    let grid = imageGrid(images([9], channels: 3), columns: 8)
    #expect(grid.width == 6 && grid.height == 5 && grid.channels == 3)
    #expect(grid.pixels.count { $0 == 9 } == 6)
  }
}
