import Checkpoints
import DisEval
import Files
import Foundation
import Images
import Sampling
import Testing
import _TestSupport

@Suite struct ImageOutputTests {
  static func images(_ count: Int, channels: Int) -> [Image] {
    (0..<count).map { index in
      let pixels = (0..<3 * 5 * channels).map { UInt8(truncatingIfNeeded: 31 * $0 + 7 * index) }
      return Image(width: 5, height: 3, channels: channels, pixels: pixels)
    }
  }

  /// Writes images, the labels of which are their squares modulo 10.
  static func write(_ images: [Image], to path: String, hasLabels: Bool = true) throws {
    let output = try ImageOutput(path: path, count: images.count)
    for (index, image) in images.enumerated() {
      try output.append(image, label: hasLabels ? index * index % 10 : nil)
    }
    try output.finish()
  }

  @Test(
    "what is written is read back",
    arguments: ["images", "images.npz", "images.zip"], [(1, true), (3, true), (3, false)])
  func roundTrip(name: String, kind: (channels: Int, hasLabels: Bool)) throws {
    let folder = try TemporaryFolder()
    let images = Self.images(12, channels: kind.channels)
    try Self.write(images, to: folder.path(name), hasLabels: kind.hasLabels)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path) == [name])
    let source = try ImageSource(path: folder.path(name))
    #expect(source.count == 12)
    let isLabeled = kind.hasLabels && name != "images"
    #expect(source.labels == (isLabeled ? [0, 1, 4, 9, 6, 5, 6, 9, 4, 1, 0, 1] : nil))
    for (index, image) in images.enumerated() {
      let found = try source.image(at: index)
      let isRepeated = name == "images.npz" && kind.channels == 1
      #expect(found.channels == (isRepeated ? 3 : kind.channels))
      #expect(found.pixels == (isRepeated ? image.pixels.flatMap { [$0, $0, $0] } : image.pixels))
    }
  }

  /// The names and the labels are those of EDM's `dataset_tool.py`: a thousand images to a folder.
  @Test func theLayoutOfEDM() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("a.zip")
    let image = Image(width: 1, height: 1, channels: 1, pixels: [9])
    try Self.write(Array(repeating: image, count: 1001), to: path)
    let archive = try ZipArchive(ReadableFile(path: path))
    #expect(archive.entries[0].name == "00000/img00000000.png")
    #expect(archive.entries[999].name == "00000/img00000999.png")
    #expect(archive.entries[1000].name == "00001/img00001000.png")
    let json = String(decoding: try archive.read(archive.entries[1001]), as: UTF8.self)
    #expect(archive.entries[1001].name == "dataset.json")
    #expect(
      json.hasPrefix(
        #"{"labels": [["00000/img00000000.png", 0], ["00000/img00000001.png", 1], "#))
    try Self.write([image], to: path, hasLabels: false)
    let unlabeled = try ZipArchive(ReadableFile(path: path))
    #expect(try unlabeled.read(unlabeled.entries[1]) == Array(#"{"labels": null}"#.utf8))
  }

  @Test func theArraysOfADM() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("a.npz")
    try Self.write(Self.images(3, channels: 3), to: path)
    let arrays = try NPZ.read(path)
    #expect(arrays.names == ["arr_0", "arr_1"])
    #expect(try arrays.layout("arr_0") == (.uint8, [3, 3, 5, 3]))
    #expect(try arrays.layout("arr_1") == (.int64, [3]))
    #expect(try arrays.array("arr_1").integers() == [0, 1, 4])
  }

  @Test("an output that is not finished never appears", arguments: ["a.npz", "a.zip"])
  func interrupted(name: String) throws {
    let folder = try TemporaryFolder()
    do {
      let output = try ImageOutput(path: folder.path(name), count: 2)
      try output.append(Self.images(1, channels: 3)[0], label: nil)
      #expect(!FileManager.default.fileExists(atPath: folder.path(name)))
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).isEmpty)
  }

  @Test func anUnfinishedFolderIsNotReadAndIsWrittenAgain() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("samples")
    let images = Self.images(3, channels: 3)
    do {
      let output = try ImageOutput(path: path, count: 3)
      for image in images { try output.append(image, label: nil) }
      let busy = try #require(throws: Failure.self) { try ImageOutput(path: path, count: 1) }
      #expect(busy.status == .cannotCreate && busy.code == .busy, "\(busy)")
    }
    for recursive in [nil, true] {
      let refused = try #require(throws: Failure.self) {
        try ImageSource(path: recursive == nil ? path : folder.url.path, recursive: recursive)
      }
      #expect(refused.code == .imagesUnfinished && refused.status == .dataRefused, "\(refused)")
    }
    let again = try ImageOutput(path: path, count: 2)
    for image in images.prefix(2) { try again.append(image, label: nil) }
    try again.finish()
    #expect(try FileManager.default.contentsOfDirectory(atPath: path).count == 2)
    #expect(try ImageSource(path: path).count == 2)
    let full = try #require(throws: Failure.self) { try ImageOutput(path: path, count: 1) }
    #expect(full.code == .notEmpty, "\(full)")
  }

  @Test func filesOfOthersInAnUnfinishedFolderAreKept() throws {
    let folder = try TemporaryFolder()
    for name in ["000000.png", ".dis-eval-unfinished", "cat.png"] {
      try Data().write(to: URL(filePath: folder.path(name)))
    }
    let failure = try #require(throws: Failure.self) {
      try ImageOutput(path: folder.url.path, count: 1)
    }
    #expect(failure.code == .notEmpty, "\(failure)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).count == 3)
  }

  @Test func nothingRemainsOfAFolderWithoutImages() throws {
    let folder = try TemporaryFolder()
    do { _ = try ImageOutput(path: folder.path("samples"), count: 1) }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path("samples")).isEmpty)
  }

  @Test func anArrayNeedsTheTrueCount() throws {
    let folder = try TemporaryFolder()
    let unknown = try #require(throws: Failure.self) {
      try ImageOutput(path: folder.path("a.npz"), count: nil)
    }
    #expect(unknown.status == .usage && unknown.code == .countUnknown)
    let image = Self.images(1, channels: 3)[0]
    for count in [1, 3] {
      let failure = try #require(throws: Failure.self) {
        let output = try ImageOutput(path: folder.path("a.npz"), count: count)
        for _ in 0..<2 { try output.append(image, label: nil) }
        try output.finish()
      }
      #expect(failure.status == .dataRefused && failure.code == .inputChanged)
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).isEmpty)
    let output = try ImageOutput(path: folder.path("a.zip"), count: nil)
    try output.append(image, label: nil)
    try output.finish()
    #expect(try ImageSource(path: folder.path("a.zip")).count == 1)
  }

  @Test("images of different sizes are refused", arguments: ["a.npz", "a.zip", "folder"])
  func otherSize(name: String) throws {
    let folder = try TemporaryFolder()
    let output = try ImageOutput(path: folder.path(name), count: 2)
    try output.append(
      Image(width: 2, height: 3, channels: 1, pixels: .init(repeating: 0, count: 6)), label: nil)
    let failure = try #require(throws: Failure.self) {
      let other = Image(width: 3, height: 2, channels: 1, pixels: .init(repeating: 0, count: 6))
      try output.append(other, label: nil)
    }
    #expect(failure.code == .inputChanged && failure.detail.contains("3 x 2"), "\(failure)")
  }

  @Test("an output that cannot be made is refused", arguments: ["x/a.npz", "x/a.zip", "x/folder"])
  func refused(name: String) throws {
    let folder = try TemporaryFolder()
    try Data().write(to: URL(filePath: folder.path("x")))
    let failure = try #require(throws: Failure.self) {
      try ImageOutput(path: folder.path(name), count: 1)
    }
    #expect(failure.status == .cannotCreate, "\(failure)")
  }
}
