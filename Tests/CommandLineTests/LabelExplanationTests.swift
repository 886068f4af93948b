import Checkpoints
import Foundation
import Testing
import _TestSupport

/// `dis-eval explain --labels`, with the demonstration's extractor.
@Suite("Explaining labels", .blocking) struct LabelExplanationTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// Images as bright as their class, 20 of class 0 and 40 of class 1, with some texture.
  private func images(_ name: String, labels: [Int]?) throws -> String {
    let path = folder.path(name)
    let bytes = (0..<60 * 28 * 28).map { index in
      let image = index / (28 * 28)
      let texture = (index % (28 * 28)) &* (image + 3) &* 7919 % 64
      return UInt8((image < 20 ? 30 : 150) + texture)
    }
    var arrays: [(name: String, array: NPYArray)] = [
      ("arr_0", NPYArray(bytes: bytes, shape: [60, 28, 28, 1]))
    ]
    if let labels {
      arrays.append(
        ("arr_1", NPYArray(integers: labels.map(Int64.init), shape: [labels.count])))
    }
    try NPZ.write(arrays, to: path)
    return path
  }

  private func labels(_ name: String, _ values: [Int]) throws -> String {
    let path = folder.path(name)
    let array = NPYArray(integers: values.map(Int64.init), shape: [values.count])
    try Data(array.serialized()).write(to: URL(fileURLWithPath: path))
    return path
  }

  private static let classes = (0..<60).map { $0 < 20 ? 0 : 1 }

  private func explain(_ images: String, _ ref: String, _ more: [String]) throws -> DisEvalProcess {
    try DisEvalProcess(
      ["explain", "--images", images, "--ref", ref, "--weights", DisEvalProcess.extractor] + more)
  }

  @Test func aFileAndTheImagesGiveTheSame() throws {
    let own = try images("own.npz", labels: Self.classes)
    let ref = try images("ref.npz", labels: Self.classes.map { 1 - $0 })
    let file = try labels("labels.npy", Self.classes)
    let fromFile = try explain(own, ref, ["--labels", file, "--json"])
    #expect(fromFile.status == 0, "\(fromFile.errors)")
    let effect = try #require(try fromFile.json()["labels"] as? [String: Any])
    let fromImages = try explain(own, ref, ["--labels", "images", "--json"])
    #expect(try canonical(fromImages.json()["labels"]) == canonical(effect))
    func number(_ key: String) throws -> Double { try #require(effect[key] as? Double) }
    let counts = try #require(effect["counts"] as? [String: Any])
    #expect(counts["counts"] as? [Int] == [20, 40])
    // The images of both sides are the same, so that as they are the distance is 0.
    #expect(try abs(number("observed")) < 1e-6 && number("balanced") > 1e-3)
    #expect(try number("worth") == number("drawn") - number("balanced"))
    #expect(effect["draws"] as? Int == 8)
    // By its labels, two thirds of the reference have class 0.
    #expect(try number("reference") > number("balanced"))

    let text = try explain(own, ref, ["--labels", file])
    #expect(text.output.contains("labels: 2 of 2 classes, 20 to 40 images each"), "\(text.output)")
    #expect(text.output.contains("balanced labels are worth"), "\(text.output)")
    let without = try explain(own, ref, ["--json"])
    #expect(try without.json()["labels"] == nil)
  }

  @Test func whatCannotBeWeightedIsRefused() throws {
    let own = try images("own.npz", labels: nil)
    let floats = folder.path("floats.npy")
    try Data(NPYArray(floats: [0, 1], shape: [2]).serialized())
      .write(to: URL(fileURLWithPath: floats))
    let gap = try labels("gap.npy", Self.classes.map { 2 * $0 })
    let all = try labels("all.npy", Self.classes)
    for (options, status, part) in [
      (["--labels", "images"], 65, "give a file of them as --labels"),
      (["--labels", try labels("short.npy", [0, 1])], 65, "2 labels for 60 images"),
      (["--labels", floats], 65, "LabelsInvalid"),
      (["--labels", gap], 65, "1 of 3 classes have no image, such as class 1"),
      (["--labels", all, "--num", "10"], 65, "one class"),
      (["--labels", folder.path("none.npy")], 66, "none.npy"),
    ] as [([String], Int32, String)] {
      let run = try explain(own, own, options)
      #expect(run.status == status && run.errors.contains(part), "\(options): \(run.errors)")
    }
  }
}
