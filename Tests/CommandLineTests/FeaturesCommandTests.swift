import Checkpoints
import Foundation
import Images
import Testing
import _TestSupport

@Suite("dis-eval features", .blocking) struct FeaturesCommandTests {
  @Test("rows and logits of every image, the same for any threads; a reference as well")
  func rows() throws {
    let folder = try TemporaryFolder()
    let images = folder.path("images.npz")
    let sampled = try DisEvalProcess(
      "sample", "--ckpt", DisEvalProcess.checkpoint, "--num", "11", "--steps", "2", "--out", images)
    try #require(sampled.status == 0, "\(sampled.errors)")
    let (one, two) = (folder.path("one.npz"), folder.path("two.npz"))
    for (path, threads) in [(one, "1"), (two, "2")] {
      let made = try DisEvalProcess(
        "features", "--images", images, "--weights", DisEvalProcess.extractor, "--out", path,
        "--threads", threads)
      #expect(made.status == 0 && made.errors.contains("11 images"), "\(made.errors)")
    }
    #expect(
      try Data(contentsOf: URL(fileURLWithPath: one)) == Data(contentsOf: URL(fileURLWithPath: two))
    )
    let file = try NPZ.read(one)
    #expect(file.names == ["mu", "sigma", "features", "logits"])
    #expect(try file.array("logits").shape == [11, 10])

    let statistics = folder.path("stats.npz")
    let made = try DisEvalProcess(
      "stats", "make", "--images", images, "--weights", DisEvalProcess.extractor, "--keep-features",
      "11", "--out", statistics)
    try #require(made.status == 0, "\(made.errors)")
    let other = try NPZ.read(statistics)
    for name in ["mu", "sigma", "features"] {
      #expect(try file.array(name).bytes == other.array(name).bytes, "\(name)")
    }

    let scored = try DisEvalProcess(
      "evaluate", "--images", images, "--ref", one, "--weights", DisEvalProcess.extractor, "--json")
    #expect(scored.status == 0, "\(scored.errors)")
    let metrics = try #require(try scored.json()["metrics"] as? [String: [String: Any]])
    #expect(try #require(metrics["fd"]?["value"] as? Double) < 1e-6)
    #expect(metrics["precision"]?["value"] as? Double == 1)
    let shown = try DisEvalProcess("stats", "show", one)
    #expect(shown.status == 0 && shown.output.contains("11"), "\(shown.errors)")
  }

  @Test("the features and logits that PyTorch gives") func pyTorch() throws {
    func golden(_ name: String) throws -> NPYArray {
      try NPYArray.read(
        DisEvalProcess.file("Tests/FeatureExtractorsTests/Fixtures/fashion.\(name).npy"))
    }
    let folder = try TemporaryFolder()
    let (images, out) = (folder.path("images.npy"), folder.path("features.npz"))
    let grey = try golden("images")
    try NPYArray(bytes: grey.bytes, shape: grey.shape + [1]).write(to: images)
    let made = try DisEvalProcess(
      "features", "--images", images, "--weights", DisEvalProcess.extractor, "--out", out)
    try #require(made.status == 0, "\(made.errors)")
    let file = try NPZ.read(out)
    for name in ["features", "logits"] {
      let worst = worst(try file.array(name).floats(), try golden(name).floats())
      #expect(worst.relative <= 2e-6, "\(name): \(worst)")
    }
  }

  @Test(arguments: [
    ("missing", "f.npz", Int32(66), "NotFound"), ("here", "f.txt", 64, "InvalidOutput"),
    ("here", "no/f.npz", 73, "CannotCreate"),
  ])
  func refusals(images: String, out: String, status: Int32, code: String) throws {
    let folder = try TemporaryFolder()
    let path = images == "here" ? DisEvalProcess.statistics : folder.path(images)
    let refused = try DisEvalProcess(
      "features", "--images", path, "--weights", DisEvalProcess.extractor, "--out",
      folder.path(out))
    #expect(refused.status == status && refused.errors.contains(code), "\(refused.errors)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).isEmpty)
  }

  @Test("of squares are those of the squares themselves") func squares() throws {
    let folder = try TemporaryFolder()
    let (count, height, width, side) = (3, 61, 40, 28)
    let pixels = (0..<count * height * width).map { UInt8(truncatingIfNeeded: $0 &* 37 ^ $0 >> 5) }
    let squares = stride(from: 0, to: pixels.count, by: height * width).flatMap { first in
      Image(
        width: width, height: height, channels: 1,
        pixels: Array(pixels[first..<first + height * width])
      ).centreCropped(side: side).pixels
    }
    let (whole, cropped) = (folder.path("whole.npy"), folder.path("cropped.npy"))
    try NPYArray(bytes: pixels, shape: [count, height, width, 1]).write(to: whole)
    try NPYArray(bytes: squares, shape: [count, side, side, 1]).write(to: cropped)
    func made(_ images: String, _ more: String...) throws -> NPZ {
      let out = folder.path("features.npz")
      let run = try DisEvalProcess(
        ["features", "--images", images, "--weights", DisEvalProcess.extractor, "--out", out] + more
      )
      try #require(run.status == 0, "\(run.errors)")
      return try NPZ.read(out)
    }
    let own = try made(cropped).array("features").bytes
    #expect(try made(whole, "--crop", "adm", "--size", "28").array("features").bytes == own)
    let record = try DisEvalProcess("stats", "show", folder.path("features.npz"))
    #expect(record.output.contains("as of adm") && record.output.contains("28"), "\(record.output)")
    for more in [["--crop", "adm"], ["--size", "28"], ["--crop", "adm", "--size", "0"]] {
      let run = try DisEvalProcess(
        ["features", "--images", whole, "--weights", DisEvalProcess.extractor]
          + ["--out", folder.path("none.npz")] + more)
      #expect(run.status == 64 && run.errors.contains("--size"), "\(run.errors)")
    }
  }
}
