import Checkpoints
import Files
import Foundation
import Images
import Testing

/// Data sets as StyleGAN and EDM have them, folders inside folders, labels beside arrays.
@Suite struct DatasetTests {
  @Test("labels follow the images, in whatever order dataset.json has them") func labels() throws {
    let source = try ImageSource(path: fixture("edm.zip"))
    #expect(source.count == 6 && source.ignored == 0 && source.size == nil)
    #expect(source.labels == [1, 4, 7, 0, 3, 6])
    for index in 0..<6 { #expect(try source.image(at: index).pixels.first == UInt8(index)) }
    let without = try ImageSource(path: fixture("edm_without_labels.zip"))
    #expect(without.count == 6 && without.labels == nil && without.ignored == 0)
  }

  @Test("an array of classes beside the samples") func arrayLabels() throws {
    let source = try ImageSource(path: fixture("labelled.npz"))
    #expect(source.labels == [7, 0, 999])
    #expect(source.size?.width == 5 && source.size?.height == 4)
    #expect(try ImageSource(path: fixture("images.npz")).labels == nil)
    let pixels = ("arr_0", NPYArray(bytes: [1, 2], shape: [2, 1, 1, 1]))
    let others = [
      NPYArray(integers: [1], shape: [1]), NPYArray(integers: [1, 2], shape: [2, 1]),
      NPYArray(integers: [1, -1], shape: [2]), NPYArray(floats: [1, 2], shape: [2]),
    ]
    try withFolder { path in
      for other in others {
        try NPZ.write([pixels, ("arr_1", other)], to: path + "/file")
        #expect(try ImageSource(path: path + "/file").labels == nil, "\(other)")
      }
      try NPZ.write([pixels, ("labels", NPYArray(bytes: [3, 4], shape: [2]))], to: path + "/file")
      #expect(try ImageSource(path: path + "/file").labels == [3, 4])
    }
  }

  @Test(
    "dataset.json",
    arguments: [
      (#"{"labels": [["a.png", 3], ["b.png", 0]]}"#, [3, 0], nil),
      (#"{"labels": [["b.png", 3], ["a.png", 0]], "more": [{}]}"#, [0, 3], nil),
      (#"{"labels": null}"#, nil, nil), ("{}", nil, nil),
      (#"{"labels": [["a.png", [0.5, -1]], ["b.png", [2, 3]]]}"#, nil, nil),
      (#"{"labels": [["a.png", 3]]}"#, nil, "LabelsMismatch"),
      (#"{"labels": []}"#, nil, "LabelsMismatch"),
      (#"{"labels": [["a.png", 3], ["c.png", 0]]}"#, nil, "LabelsMismatch"),
      (#"{"labels": [["a.png", 3], ["b.png", 0], ["c.png", 0]]}"#, nil, "LabelsMismatch"),
      (#"{"labels": [["a.png", 3], ["a.png", 3], ["b.png", 0]]}"#, nil, "LabelsMismatch"),
      (#"{"labels": [["a.png", 3], ["b.png", -1]]}"#, nil, "LabelsMalformed"),
      (#"{"labels": [["a.png", 3], ["b.png", 0.5]]}"#, nil, "LabelsMalformed"),
      (#"{"labels": [["a.png", 3], ["b.png", "0"]]}"#, nil, "LabelsMalformed"),
      (#"{"labels": [["a.png", 3], ["b.png"]]}"#, nil, "LabelsMalformed"),
      (#"{"labels": [["a.png", 3], ["b.png", 1, 2]]}"#, nil, "LabelsMalformed"),
      (#"{"labels": [["a.png", 3], [1, "b.png"]]}"#, nil, "LabelsMalformed"),
      (#"{"labels": [["a.png", 3], ["b.png", 1e99]]}"#, nil, "LabelsMalformed"),
      (#"{"labels": {"a.png": 3, "b.png": 0}}"#, nil, "LabelsMalformed"),
      (#"[["a.png", 3], ["b.png", 0]]"#, nil, "LabelsMalformed"),
      (#"{"labels": [["a.png", 3], ["b.png", 0]]"#, nil, "LabelsMalformed"),
      ("", nil, "LabelsMalformed"), ("\u{0}\u{FF}", nil, "LabelsMalformed"),
    ] as [(String, [Int]?, String?)])
  func json(text: String, labels: [Int]?, code: String?) throws {
    try withFolder { path in
      for name in ["a", "b"] {
        try AtomicFile.write(try PNG.encode(grey(1)), to: "\(path)/\(name).png")
      }
      try AtomicFile.write(Array(text.utf8), to: path + "/dataset.json")
      var found: [Int]?
      let failure = failure { found = try ImageSource(path: path).labels }
      #expect(found == labels)
      #expect(failure?.code.rawValue == code, "\(failure as Any)")
      #expect(failure == nil || failure?.subject == path + "/dataset.json")
    }
  }

  @Test("a deeply nested dataset.json is refused") func nesting() throws {
    try withFolder { path in
      try AtomicFile.write(try PNG.encode(grey(1)), to: path + "/a.png")
      for (open, close) in [("[", "]"), (#"{"labels":"#, "}")] {
        for end in ["", String(repeating: close, count: 1_000_000)] {
          let text = #"{"labels": "# + String(repeating: open, count: 1_000_000) + end
          try AtomicFile.write(Array(text.utf8), to: path + "/dataset.json")
          #expect(failure { try ImageSource(path: path) }?.code == .labelsMalformed)
        }
      }
    }
  }

  @Test("folders inside a folder are read when asked for") func recursive() throws {
    try withFolder { path in
      for folder in ["b", "b/c", "a", ".hidden", "empty", "x.png"] {
        mkdir("\(path)/\(folder)", 0o700)
      }
      let names = ["a/2.png", "a.png", "b/1.PNG", "b/c/0.png", "x.png/y.png", "é.png"]
      for (index, name) in names.enumerated() {
        try AtomicFile.write(try PNG.encode(grey(UInt8(index))), to: "\(path)/\(name)")
      }
      for name in ["b/notes.txt", ".hidden/z.png", "b/._1.PNG", "readme"] {
        try AtomicFile.write([1], to: "\(path)/\(name)")
      }
      let source = try ImageSource(path: path, recursive: true)
      // The order of the bytes of the whole paths: '.' precedes '/'.
      let order: [UInt8] = [1, 0, 2, 3, 4, 5]
      #expect(source.count == 6)
      for index in 0..<6 { #expect(try source.image(at: index).pixels == [order[index]]) }
      // Two files that are no images, a hidden file and a hidden folder.
      #expect(source.ignored == 4)

      rmdir(path + "/empty")
      unlink(path + "/x.png/y.png")
      rmdir(path + "/x.png")
      let flat = try ImageSource(path: path, recursive: false)
      #expect(flat.count == 2 && flat.ignored == 4)
    }
  }

  @Test("links that lead in circles end, and no folder is read twice") func links() throws {
    try withFolder { path in
      mkdir(path + "/images", 0o700)
      mkdir(path + "/links", 0o700)
      try AtomicFile.write(try PNG.encode(grey(1)), to: path + "/images/a.png")
      symlink("..", path + "/images/up")
      symlink(".", path + "/images/self")
      symlink("../images", path + "/links/images")
      symlink("loop", path + "/links/loop")
      symlink("nowhere", path + "/links/nothing")
      let source = try ImageSource(path: path, recursive: true)
      #expect(source.count == 1 && source.ignored == 2)
      #expect(try source.image(at: 0) == grey(1))
      let linked = try ImageSource(path: path + "/links", recursive: true)
      #expect(linked.count == 1)
    }
  }

  @Test("a folder whose images lie deeper says so") func deeper() throws {
    try withFolder { path in
      mkdir(path + "/train", 0o700)
      try AtomicFile.write(try PNG.encode(grey(1)), to: path + "/train/a.png")
      let failure = failure { try ImageSource(path: path) }
      #expect(failure?.code == .noImages && failure?.status == .inputMissing)
      #expect(
        failure?.detail.contains("1 image in 1 folder inside, which `recursive: true` reads")
          ?? false)
    }
  }

  private func grey(_ value: UInt8) -> Image {
    Image(width: 1, height: 1, channels: 1, pixels: [value])
  }
}
