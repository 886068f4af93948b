import Foundation
import Results
import Testing
import _TestSupport

/// What `evaluate` says of images, and what the features of images in a file give.
@Suite("Diagnosis", .blocking) struct DiagnosisTests {
  private let folder: TemporaryFolder

  /// Two sets of images, and the features of the first.
  init() throws {
    folder = try TemporaryFolder()
    for (name, seed, count) in [("a.npz", "0", "340"), ("b.npz", "1", "360")] {
      try run(
        "sample", "--ckpt", DisEvalProcess.checkpoint, "--num", count, "--seed", seed, "--sampler",
        "dpm-solver++", "--steps", "4", "--out", folder.path(name))
    }
    try run(
      "features", "--images", folder.path("a.npz"), "--weights", Self.weights, "--out",
      folder.path("features.npz"))
  }

  private static let weights = DisEvalProcess.file(
    "reference_stats/fashion-mnist-extractor.safetensors")

  @discardableResult private func run(_ arguments: String...) throws -> DisEvalProcess {
    let run = try DisEvalProcess(arguments)
    #expect(run.status == 0, "\(arguments): \(run.errors)")
    return run
  }

  private func metrics(_ document: [String: Any]) throws -> [String: [String: Any]] {
    try #require(document["metrics"] as? [String: [String: Any]])
  }

  /// Images that are their own reference are copies of it.
  @Test func copiesOfTheReference() throws {
    let run = try run(
      "evaluate", folder.path("features.npz"), folder.path("features.npz"), "--weights",
      Self.weights, "--metrics", "mind,authpct", "--json")
    let violation = try violation(of: Array(run.output.utf8), by: .result)
    #expect(violation == nil, "\(violation ?? "")")
    let same = try metrics(run.json())
    #expect(Set(same.keys) == ["mind", "authpct"])
    #expect(same["mind"]?["value"] as? Double == 0)
    #expect(same["authpct"]?["value"] as? Double == 0)
    let copies = try #require(same["authpct"]?["nearest_copies"] as? [[String: Any]])
    #expect(copies.count == 20)
    #expect(copies.allSatisfy { $0["sample"] as? Int == $0["training"] as? Int })

    let other = try self.run(
      "evaluate", folder.path("b.npz"), folder.path("features.npz"), "--weights", Self.weights,
      "--metrics", "mind,authpct", "--json")
    let found = try metrics(other.json())
    let mind = try #require(found["mind"])
    #expect(mind["value"] as? Double ?? 0 > 0 && mind["interval"] is NSNull)
    #expect((mind["definition"] as? String)?.contains("340 images of each") == true)
    let authentic = try #require(found["authpct"])
    let ends = try #require(authentic["interval"] as? [Double])
    let value = try #require(authentic["value"] as? Double)
    #expect(ends[0] < value && value < ends[1] && (10...90).contains(value), "\(value), \(ends)")
    let text = try self.run(
      "evaluate", folder.path("features.npz"), folder.path("features.npz"), "--weights",
      Self.weights, "--metrics", "authpct"
    ).output
    #expect(text.contains("image 0 is nearest to image 0 of the reference"), "\(text)")
  }

  /// Pairs of images that resemble each other are listed, and shown by a report.
  @Test func pairsAreShown() throws {
    let result = folder.path("pairs.json")
    let run = try run(
      "evaluate", folder.path("b.npz"), folder.path("a.npz"), "--weights", Self.weights,
      "--metrics", "authpct,duplicates", "--out", result, "--json")
    let violation = try violation(of: Array(run.output.utf8), by: .result)
    #expect(violation == nil, "\(violation ?? "")")
    let found = try #require(metrics(run.json())["duplicates"])
    #expect((0...20).contains(try #require(found["value"] as? Double)))
    #expect((found["nearest_pairs"] as? [[String: Any]])?.count == 20)
    let page = folder.path("page.html")
    for more in [[], ["--reference-images", folder.path("a.npz")]] {
      let made = try DisEvalProcess(
        ["report", result, "--images", folder.path("b.npz"), "--num", "4", "--out", page] + more)
      #expect(made.status == 0, "\(made.errors)")
      let text = try String(contentsOfFile: page, encoding: .utf8)
      let sections = ["Copies of the reference", "Near duplicates"].map {
        text.components(separatedBy: ">\($0)<").count
      }
      #expect(sections.allSatisfy { $0 > 1 })
      let pictures = text.components(separatedBy: "<img").count - 1
      // Four samples, ten pairs, and ten samples with or without their copy.
      #expect(pictures == (more.isEmpty ? 34 : 44), "\(pictures)")
    }
  }

  /// Samples of classes 0 to 9 in turn against those of other seeds, and against their features without classes.
  @Test(arguments: ["b.npz", "features.npz"]) func worstClasses(reference: String) throws {
    let subject = reference == "b.npz" ? "a.npz" : "b.npz"
    let run = try run(
      "evaluate", folder.path(subject), folder.path(reference), "--weights", Self.weights,
      "--metrics", "class_kid", "--json")
    let violation = try violation(of: Array(run.output.utf8), by: .result)
    #expect(violation == nil, "\(violation ?? "")")
    let found = try metrics(run.json())["class_kid"]
    // 34 images of each class are fewer than 40.
    if reference == "b.npz" {
      #expect(found == nil)
      let skipped = try #require(run.json()["skipped"] as? [String: String])
      #expect(skipped["class_kid"]?.contains("none of 10 classes") == true, "\(skipped)")
      return
    }
    let metric = try #require(found)
    #expect((metric["definition"] as? String)?.contains("that the extractor predicts") == true)
    let worst = try #require(metric["worst_classes"] as? [[String: Any]])
    #expect(!worst.isEmpty && worst.allSatisfy { $0["count"] as? Int ?? 0 >= 40 })
    let ends = try worst.map { try #require($0["interval"] as? [Double])[0] }
    #expect(ends == ends.sorted(by: >))
  }

  /// Features whose record names an extractor, as if it had computed them.
  private func features(of extractor: String) throws -> String {
    let path = folder.path("\(extractor).npz")
    try FileManager.default.copyItem(atPath: folder.path("features.npz"), toPath: path)
    var record = try #require(
      jsonObject(Data(contentsOf: URL(fileURLWithPath: folder.path("features.json"))))
        as? [String: Any])
    var described = try #require(record["extractor"] as? [String: Any])
    described["name"] = extractor
    described["file"] = nil
    record["extractor"] = described
    try JSONSerialization.data(withJSONObject: record)
      .write(to: URL(fileURLWithPath: folder.path("\(extractor).json")))
    return path
  }

  /// Metrics that have their name from one extractor.
  @Test func metricsOfOneExtractor() throws {
    let clip = try features(of: "clip-vit-l-14-336.cmmd")
    let inception = try features(of: "inception-2015")
    let found = try run("evaluate", clip, clip, "--metrics", "cmmd", "--json")
    let violation = try violation(of: Array(found.output.utf8), by: .result)
    #expect(violation == nil, "\(violation ?? "")")
    let metric = try #require(metrics(found.json())["cmmd"])
    // The same rows: 1000 (1 + 1 - 2) of all pairs, and less than that without those of a row with itself.
    #expect(abs(try #require(metric["value"] as? Double)) < 1e-9)
    let debiased = try #require(metric["debiased"] as? Double)
    let ends = try #require(metric["debiased_interval"] as? [Double])
    #expect(debiased < 0 && ends[0] < debiased && debiased < ends[1], "\(debiased), \(ends)")
    #expect(try metrics(run("evaluate", clip, clip, "--json").json())["cmmd"] != nil)

    let mifid = try metrics(
      run("evaluate", inception, inception, "--metrics", "mifid,mifid_generated", "--json").json())
    for (name, definition) in [("mifid", "torchmetrics"), ("mifid_generated", "generated")] {
      #expect(mifid[name]?["value"] as? Double == 0, "a FID of at most 1e-8")
      #expect((mifid[name]?["definition"] as? String)?.hasPrefix(definition) == true)
    }
    for (path, name, own) in [
      (clip, "mifid", "inception-2015"), (inception, "cmmd", "clip-vit-l-14-336.cmmd"),
    ] {
      let refused = try DisEvalProcess("evaluate", path, path, "--metrics", name)
      #expect(refused.status == 65 && refused.errors.contains("\(name): it is of \(own) only"))
    }
  }

  @Test func everyMetricHasAnInterval() throws {
    let run = try run(
      "evaluate", folder.path("b.npz"), folder.path("features.npz"), "--weights", Self.weights,
      "--json")
    let violation = try violation(of: Array(run.output.utf8), by: .result)
    #expect(violation == nil, "\(violation ?? "")")
    let document = try run.json()
    let metrics = try metrics(document)
    let names = [
      "fd", "cs", "kid", "mmd_rbf", "precision", "recall", "density", "coverage", "vendi",
      "total_variance", "class_chi2",
    ]
    #expect(Set(metrics.keys) == Set(names))
    for (name, metric) in metrics {
      let ends = try #require(metric["interval"] as? [Double], "\(name)")
      let value = try #require(metric["value"] as? Double)
      #expect(ends[0] < value && value < ends[1], "\(name): \(value) in \(ends)")
      #expect((metric["jackknife"] as? [String: Any])?["groups"] as? Int == 20, "\(name)")
    }
    for name in ["vendi", "total_variance"] {
      let metric = try #require(metrics[name])
      let own = try #require(metric["reference_value"] as? Double)
      let value = try #require(metric["value"] as? Double)
      #expect(abs(value / own - 1) < 0.2, "samples of one model: \(name) \(value), \(own)")
    }
    #expect(metrics["mmd_rbf"]?["kernel_width"] as? Double ?? 0 > 0)
    // The reference has the features of all its 340 images.
    #expect(metrics["fd"]?["reference_bias"] as? Double ?? 0 > 0)
    // Ten images for each of 10 classes in each of 10 splits would be 1,000.
    #expect(metrics["cs"]?["bias_reliable"] as? Bool == false)

    let diagnosis = try #require(document["diagnosis"] as? [String: Any])
    let classes = try #require(diagnosis["classes"] as? [String: Any])
    #expect(classes["degrees_of_freedom"] as? Int ?? 99 <= 9)
    #expect(try #require(classes["p_value"] as? Double) > 1e-4, "samples of one model")
    let distance = try #require(diagnosis["distance"] as? [String: Any])
    let parts = try ["mean_part", "covariance_part"].map { try #require(distance[$0] as? Double) }
    let value = try #require(metrics["fd"]?["value"] as? Double)
    #expect(abs(parts[0] + parts[1] - value) <= 1e-9 * value)
    for (name, part) in zip(["mean", "covariance"], parts) {
      let ends = try #require(distance["\(name)_interval"] as? [Double])
      let bias = try #require(distance["\(name)_bias"] as? Double)
      #expect(ends[0] < part && part < ends[1] && bias > 0, "\(name): \(part) in \(ends), \(bias)")
    }
    let leading = try #require(distance["leading"] as? [[String: Any]])
    for direction in leading {
      for name in ["shift", "deviation"] {
        let ends = try #require(direction["\(name)_interval"] as? [Double])
        let value = try #require(direction[name] as? Double)
        #expect(ends[0] < value && value < ends[1])
      }
    }
    let carried = leading.map {
      ($0["mean_part"] as? Double ?? 0) + ($0["covariance_part"] as? Double ?? 0)
    }
    #expect(carried == carried.sorted(by: >) && carried.reduce(0, +) < value)

    let people = try self.run(
      "evaluate", folder.path("b.npz"), folder.path("features.npz"), "--weights", Self.weights)
    for text in ["directions carry 80 %", "classes     chi-squared", "(of the reference "] {
      #expect(people.output.contains(text), "\(people.output)")
    }
  }

  /// The features and logits in a file give what the images give, with the same intervals.
  @Test func featuresInAFileHaveIntervals() throws {
    func scores(_ images: String) throws -> [String: [String: Any]] {
      try metrics(
        run(
          "fid", "--images", folder.path(images), "--ref", folder.path("b.npz"), "--weights",
          Self.weights, "--json"
        ).json())
    }
    let (images, features) = try (scores("a.npz"), scores("features.npz"))
    #expect(Set(images.keys) == ["fd", "cs"])
    #expect(try canonical(images) == canonical(features))
    let document = try run(
      "fid", "--images", folder.path("features.npz"), "--ref", folder.path("features.npz"),
      "--weights", Self.weights, "--json"
    ).json()
    let extractor = (document["provenance"] as? [String: Any])?["extractor"] as? [String: Any]
    #expect(
      (extractor?["preprocessing"] as? String)?.contains("28x28") == true, "\(extractor ?? [:])")
    #expect(images["fd"]?["debiased_interval"] is [Double] && images["cs"]?["interval"] is [Double])
  }

  @Test func theFamilyIsJudged() throws {
    let (first, second) = (folder.path("first.json"), folder.path("second.json"))
    try run(
      "evaluate", folder.path("a.npz"), folder.path("b.npz"), "--weights", Self.weights, "--out",
      first)
    try run(
      "sample", "--ckpt", DisEvalProcess.checkpoint, "--num", "340", "--labels", "3", "--sampler",
      "dpm-solver++", "--steps", "4", "--out", folder.path("one.npz"))
    try run(
      "evaluate", folder.path("one.npz"), folder.path("b.npz"), "--weights", Self.weights, "--out",
      second)
    let verdict = try DisEvalProcess("gate", second, "--baseline", first, "--metrics", "auto")
    #expect(verdict.status == 1, "\(verdict.output)")
    #expect(
      verdict.output.contains("worse: vendi baseline: diversity: vendi "), "\(verdict.output)")
    #expect(verdict.output.contains("worse: recall baseline: diversity: recall "))
    #expect(verdict.output.contains("worse: class_chi2 baseline: classes: class_chi2 "))
    let same = try DisEvalProcess("gate", first, "--baseline", first, "--metrics", "auto")
    #expect(same.status == 0, "\(same.output)")
  }
}
