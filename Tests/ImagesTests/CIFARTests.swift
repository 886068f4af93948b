import Checkpoints
import Files
import Foundation
import Images
import Testing
import _TestSupport

/// The goldens are numpy's, see scripts/fixtures/inputs.py.
@Suite struct CIFARTests {
  @Test(
    "reads the binary and the Python version",
    arguments: [
      ("python2", "ten"), ("protocol2", "ten"), ("protocol3", "ten"), ("protocol4", "ten"),
      ("data_batch_1.bin", "ten"), ("fine", "hundred"), ("train.bin", "hundred"),
    ])
  func batches(name: String, expected: String) throws {
    let goldens = try NPZ.read(fixture("cifar/expected.npz"))
    let source = try ImageSource(path: fixture("cifar/\(name)"))
    try check(source, goldens.array(expected), goldens.array("\(expected)_labels").integers())
    #expect(source.container == .array)
    #expect(source.description == "CIFAR batch, \(source.count) images, 32 x 32, RGB")
  }

  private func check(_ source: ImageSource, _ images: NPYArray, _ labels: [Int]) throws {
    let size = 32 * 32 * 3
    #expect([source.count, 32, 32, 3] == images.shape)
    #expect(source.labels == labels)
    #expect(source.size?.width == 32 && source.size?.height == 32)
    for index in 0..<source.count {
      let image = try source.image(at: index)
      #expect(image.pixels == Array(images.bytes[index * size..<(index + 1) * size]))
      #expect(image.width == 32 && image.channels == 3 && image.traits.isEmpty)
    }
  }

  @Test(
    "a folder's training batches follow each other", arguments: ["python2", "data_batch_1.bin"])
  func folder(name: String) throws {
    let bytes = try fixtureBytes("cifar/\(name)")
    let suffix = name.hasSuffix(".bin") ? ".bin" : ""
    let goldens = try NPZ.read(fixture("cifar/expected.npz"))
    let (images, labels) = (try goldens.array("ten"), try goldens.array("ten_labels").integers())
    try withFolder { path in
      for file in ["data_batch_1", "data_batch_2", "data_batch_x", "test_batch"] {
        try AtomicFile.write(bytes, to: "\(path)/\(file)\(suffix)")
      }
      try AtomicFile.write([1], to: path + "/batches.meta")
      let source = try ImageSource(path: path)
      #expect(source.container == .folder && source.ignored == 3)
      #expect(source.description == "folder of 2 CIFAR batches, 6 images, 32 x 32, RGB")
      let shape = [6, 32, 32, 3]
      try check(source, NPYArray(bytes: images.bytes + images.bytes, shape: shape), labels + labels)

      try AtomicFile.write(bytes, to: path + "/data_batch_3" + (suffix.isEmpty ? ".bin" : ""))
      #expect(failure { try ImageSource(path: path) }?.code == .notImages)
    }
  }

  @Test(
    "refuses",
    arguments: fixtureNames("hostile_cifar").flatMap { code in
      fixtureNames("hostile_cifar/\(code)").map { "\(code)/\($0)" }
    })
  func hostile(file: String) throws {
    let failure = failure { try ImageSource(path: fixture("hostile_cifar/\(file)")) }
    #expect(failure?.code.rawValue == String(file.prefix { $0 != "/" }), "\(failure as Any)")
    #expect(failure?.status == .dataRefused)
  }

  @Test("refuses binary files of another length or with other labels") func binary() throws {
    let (ten, hundred) = (
      try fixtureBytes("cifar/data_batch_1.bin"), try fixtureBytes("cifar/train.bin")
    )
    try withFolder { path throws in
      func code(_ bytes: [UInt8], _ name: String = "file.bin") throws -> String? {
        try AtomicFile.write(bytes, to: "\(path)/\(name)")
        return failure { try ImageSource(path: "\(path)/\(name)") }?.code.rawValue
      }
      func changed(_ bytes: [UInt8], _ index: Int, _ value: UInt8) -> [UInt8] {
        var bytes = bytes
        bytes[index] = value
        return bytes
      }
      #expect(try code(ten) == nil)
      #expect(try code(hundred) == nil)
      #expect(try code([]) == "NotImages")
      for bytes in [ten, hundred] {
        #expect(try code(bytes.dropLast()) == "NotImages")
        #expect(try code(bytes + [0]) == "NotImages")
      }
      #expect(try code(changed(ten, 3073, 10)) == "NotImages")
      #expect(try code(changed(hundred, 3074, 20)) == "NotImages")
      #expect(try code(changed(hundred, 3075, 100)) == "NotImages")
      #expect(try code(ten, "file") == "UnsupportedFormat")
    }
  }

  @Test("every prefix of a pickle is refused", arguments: ["python2", "protocol2", "protocol4"])
  func prefixes(name: String) throws {
    let bytes = try fixtureBytes("cifar/\(name)")
    try withFolder { path in
      for count in [Int](0..<200) + stride(from: 200, to: bytes.count, by: 97) + [bytes.count - 1] {
        try Data(bytes[..<count]).write(to: URL(filePath: path + "/file"))
        #expect(failure { try ImageSource(path: path + "/file") } != nil, "\(count) bytes")
      }
    }
  }

  @Test(
    "a changed pickle is refused or harmless", arguments: ["python2", "protocol2", "protocol4"])
  func mutations(name: String) throws {
    let whole = try fixtureBytes("cifar/\(name)")
    // What is not pixels: the first bytes and the last.
    let places = Array(0..<min(300, whole.count)) + Array(max(0, whole.count - 300)..<whole.count)
    var random = SeededGenerator(seed: 9)
    try withFolder { path in
      for _ in 0..<1000 {
        var bytes = whole
        for _ in 0..<Int.random(in: 1...3, using: &random) {
          bytes[places.randomElement(using: &random) ?? 0] = .random(in: 0...255, using: &random)
        }
        try Data(bytes).write(to: URL(filePath: path + "/file"))
        if let source = try? ImageSource(path: path + "/file") {
          for index in 0..<source.count { _ = try source.image(at: index) }
        }
      }
    }
  }
}
