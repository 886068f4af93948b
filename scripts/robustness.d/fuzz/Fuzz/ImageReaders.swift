import CImageCodecs
import CWebP
import CZlib
import Checkpoints
import Files
import Images

extension Reader {
  /// Images and data sets.
  static let images = [
    Reader(name: "png") { try readPNG($0.bytes) },
    Reader(name: "jpeg") {
      if !takesLong(jpegSize($0.bytes)) { try readImage($0.bytes, JPEG.decode) }
    },
    Reader(name: "webp") {
      if !takesLong(webPSize($0.bytes)) { try readImage($0.bytes, WebP.decode) }
    },
    Reader(name: "bmp") { try readImage($0.bytes, BMP.decode) },
    Reader(name: "pnm") { try readImage($0.bytes, PNM.decode) },
    Reader(name: "image-source") { try readImages($0.path) },
    Reader(name: "image-arrays") { try readImages(imageArrays($0)) },
    Reader(name: "cifar-binary", suffix: ".bin") { try readImages($0.path) },
    Reader(name: "data-set-labels") { input in
      let names = ["00000/a.png", "00000/b.png", "é.png"].map { Array($0.utf8) }
      _ = try DatasetLabels.parse(input.bytes, names: names, subject: "dataset.json")
    },
  ]
}

/// Decodes an image in the given format and in the one that its first bytes name.
private func readImage(
  _ bytes: [UInt8], _ decode: ([UInt8], String) throws(Failure) -> Image
) throws {
  let image = try decode(bytes, "input")
  expect(try Image(file: bytes, subject: "input") == image, "another image by its signature")
  _ = image.isConstant
}

/// The width and height that a JPEG file announces.
private func jpegSize(_ bytes: [UInt8]) -> [Int]? {
  var header = dis_jpeg_header()
  var message = [CChar](repeating: 0, count: Int(DIS_JPEG_MESSAGE_SIZE))
  let status = dis_jpeg_read_header(&header, bytes, bytes.count, &message)
  return status == DIS_JPEG_OK ? [Int(header.width), Int(header.height)] : nil
}

/// The width and height that a WebP file announces.
private func webPSize(_ bytes: [UInt8]) -> [Int]? {
  var (width, height): (Int32, Int32) = (0, 0)
  guard WebPGetInfo(bytes, bytes.count, &width, &height) != 0 else { return nil }
  return [Int(width), Int(height)]
}

/// Whether an image of this size is not refused for it, but takes long to decode. Forty bytes can hold
/// one of 67 million pixels. Smaller ones reach the same code.
private func takesLong(_ size: [Int]?) -> Bool {
  guard let size else { return false }
  return (1 << 16...ImageLimits.pixels).contains(size.reduce(1, *))
}

/// Decodes a PNG as it is, and with the right checksums, without which few changes get far. What
/// libpng alone reads must be the same image with libdeflate. The reverse does not hold: libdeflate
/// inflates some streams that zlib refuses.
private func readPNG(_ bytes: [UInt8]) throws {
  _ = try? PNG.decode(bytes, subject: "input")
  let png = withChecksums(bytes)
  if let image = try? PNG.decode(png, subject: "input", byLibpngAlone: true) {
    expect((try? PNG.decode(png, subject: "input")) == image, "another image with libdeflate")
  }
  try readImage(png, PNG.decode)
}

/// Returns a PNG with the checksum of every chunk corrected.
private func withChecksums(_ bytes: [UInt8]) -> [UInt8] {
  var png = bytes
  var start = PNG.signature.count
  while start + 12 <= png.count {
    let length = png[start..<start + 4].reduce(0) { $0 << 8 | Int($1) }
    let end = start + 8 + length
    guard end + 4 <= png.count else { break }
    let checksum = png[start + 4..<end].withUnsafeBufferPointer {
      crc32_z(0, $0.baseAddress, $0.count)
    }
    for index in 0..<4 {
      png[end + index] = UInt8(truncatingIfNeeded: checksum >> (24 - 8 * index))
    }
    start = end + 4
  }
  return png
}

/// Opens a data set of any kind, and reads its first images.
private func readImages(_ path: String) throws {
  let source = try ImageSource(path: path)
  expect(source.labels?.count ?? source.count == source.count, "not a label for each image")
  for index in 0..<min(source.count, 4) where source.size.map({ !isLarge([$0, $1]) }) ?? true {
    _ = try? source.image(at: index)
  }
}

/// Makes an archive of images and labels as ADM writes them, whose arrays are the parts of the input.
private func imageArrays(_ input: Input) -> String {
  archive(zip(["arr_0.npy", "arr_1.npy"], input.parts(2)).map { ($0, $1) }, input)
}
