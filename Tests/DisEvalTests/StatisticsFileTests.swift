import Checkpoints
import DisEval
import Features
import Files
import Foundation
import GenerativeMetrics
import Images
import References
import Testing
import _TestSupport

/// Statistics as the tools of the field wrote them, against numpy's mean and covariance of the same
/// rows.
@Suite("Statistics files") struct StatisticsFileTests {
  static let goldens = Goldens(Bundle.module)

  struct File: Sendable, CustomTestStringConvertible {
    var name: String
    var format: ReferenceStatistics.Format
    var mean = "mu"
    var covariance = "sigma"
    var count: Int?
    var ddof: Int?
    /// Of the largest value.
    var tolerance = 0.0
    var hasRows = false
    var testDescription: String { name }
  }

  static let files: [File] = [
    File(name: "pytorch_fid.npz", format: .npz),
    File(name: "edm.npz", format: .npz),
    File(name: "float32.npz", format: .npz, mean: "mu_float32", tolerance: 0x1p-24),
    File(name: "adm.npz", format: .adm, mean: "mu_float32"),
    File(
      name: "clean_kid.npz", format: .cleanFeatures, count: 40, ddof: 1, tolerance: 1e-14,
      hasRows: true),
    File(
      name: "dgm_eval.npz", format: .representations, count: 40, ddof: 1, tolerance: 1e-14,
      hasRows: true),
    File(name: "torch_fidelity.pt", format: .torch, mean: "mu_float32"),
    File(
      name: "torch_fidelity_features.pt", format: .torchFeatures, count: 40, ddof: 1,
      tolerance: 1e-14, hasRows: true),
    File(name: "tensors.pt", format: .torch),
    File(name: "legacy.pt", format: .torch),
    File(name: "edm2.protocol2.pkl", format: .edm, count: 40),
    File(name: "edm2.protocol3.pkl", format: .edm, count: 40),
    File(name: "edm2.protocol4.pkl", format: .edm, count: 40),
    File(name: "edm2.protocol5.pkl", format: .edm, count: 40),
    File(name: "imeanflow.npz", format: .npz),
    File(name: "big_endian.pkl", format: .pickle),
    File(
      name: "stylegan.pkl", format: .featureStats, covariance: "sigma_stylegan", count: 40,
      ddof: 0, tolerance: 1e-15),
    File(
      name: "stylegan_all.pkl", format: .featureStats, count: 40, ddof: 1, tolerance: 1e-14,
      hasRows: true),
  ]

  @Test("a file of every tool", arguments: files)
  func reads(file: File) throws {
    let statistics = try ReferenceStatistics(path: Self.goldens.path(file.name))
    #expect(statistics.format == file.format)
    #expect(statistics.dimension == 16)
    #expect(statistics.count == file.count && statistics.ddof == file.ddof)
    #expect(statistics.dialect == nil && statistics.resolution == nil)
    for (got, name) in [
      (statistics.gaussian.mean, file.mean), (statistics.gaussian.covariance, file.covariance),
    ] {
      let worst = worst(got, try Self.goldens.array(name).doubles())
      #expect(worst.relative <= file.tolerance, "\(name)\(worst)")
    }
    let rows = try statistics.featureRows()
    #expect((rows != nil) == file.hasRows)
    if let rows { #expect(try rows.values == Self.goldens.array("rows").floats()) }
    #expect(
      statistics.meanPrecision
        == (file.mean == "mu_float32" ? MeanPrecision.float32 : .float64))
  }

  /// Rows stay in their file unless they are deflated, as those of clean-fid are.
  @Test("errors of a distance from the rows in a file", arguments: files.filter(\.hasRows))
  func errors(file: File) throws {
    let set = try #require(
      try FeatureSet(of: ReferenceStatistics(path: Self.goldens.path(file.name))))
    let rows = try Self.goldens.array("rows").floats()
    var samples = try GaussianAccumulator(dimension: 16)
    try samples.append(rows: rows)
    #expect(try set.count == 40 && set.gaussian.statistics() == samples.statistics())
    let reference = try FactoredGaussian(
      GaussianStatistics(
        count: 100, mean: [Double](repeating: 0.5, count: 16),
        covariance: (0..<256).map { $0 % 17 == 0 ? 1 : 0.1 }))
    let expected = try FrechetErrors(of: 1, samples, from: reference) {
      range throws(MetricError) in Array(rows[range.lowerBound * 16..<range.upperBound * 16])
    }
    let found = try set.errors(of: 1, from: reference, mean: .float64) { _ in }
    #expect(found.jackknife == expected.jackknife && found.influence == expected.influence)
    #expect(found.influence != nil)
  }

  @Test func theReferenceBatchOfGuidedDiffusion() throws {
    let path = Self.goldens.path("adm.npz")
    let statistics = try ReferenceStatistics(path: path)
    let spatial = try #require(statistics.spatial)
    #expect(spatial.dimension == 7)
    #expect(try spatial.covariance == Self.goldens.array("sigma_spatial").doubles())
    let images = try #require(try statistics.images())
    #expect(images.count == 3)
    #expect(statistics.arrays.map(\.name) == ["arr_0", "mu", "sigma", "mu_s", "sigma_s"])
    #expect(statistics.arrays.first?.shape == [3, 8, 8, 3])
    #expect(try ReferenceStatistics(path: Self.goldens.path("edm.npz")).images() == nil)
  }

  /// Opening must not look at the images, which are gigabytes: here their checksum is wrong.
  @Test func openingReadsNoImages() throws {
    var bytes = try bytes("adm.npz")
    let header = try #require(bytes.firstRange(of: Array("(3, 8, 8, 3)".utf8)))
    bytes[header.upperBound + 100] ^= 0xFF
    try withFile(bytes, "adm.npz") { path in
      let statistics = try ReferenceStatistics(path: path)
      #expect(statistics.dimension == 16)
      #expect(failure { _ = try statistics.images() }?.code == .crcMismatch)
    }
  }

  @Test func thePicklesOfBothNumPys() throws {
    for name in ["edm2.protocol2.pkl", "edm2.protocol3.pkl"] {
      let bytes = try bytes(name)
      let (new, old) = (Array("numpy._core.".utf8), Array("numpy.core.".utf8))
      let other = bytes.ranges(of: new).isEmpty ? (old, new) : (new, old)
      var copy = bytes
      copy.replace(other.0, with: other.1)
      #expect(copy != bytes)
      try withFile(copy, name) { path in
        let statistics = try ReferenceStatistics(path: path)
        #expect(try statistics.gaussian.covariance == Self.goldens.array("sigma").doubles())
      }
    }
  }

  @Test func theSpectrumIsNumPys() throws {
    let spectrum = try ReferenceStatistics(path: Self.goldens.path("edm.npz")).gaussian.spectrum()
    let values = try Self.goldens.array("eigenvalues").doubles()
    let ends = try [#require(values.first), #require(values.last)]
    let worst = worst([spectrum.smallest, spectrum.largest], ends)
    #expect(worst.relative < 1e-14, "\(worst)")
    #expect(spectrum.rank == 16)
    let condition = try #require(spectrum.condition)
    #expect(abs(condition / (ends[1] / ends[0]) - 1) < 1e-9)
  }

  /// By hand: 1, 1, 0 has rank 2 and no condition.
  @Test func theSpectrumOfASingularCovariance() throws {
    let statistics = try GaussianStatistics(
      count: 3, mean: [0, 0, 0], covariance: [1, 0, 0, 0, 1, 0, 0, 0, 0])
    let spectrum = try statistics.spectrum()
    #expect(spectrum.rank == 2 && spectrum.condition == nil)
    #expect(spectrum.largest == 1 && spectrum.smallest == 0 && statistics.trace == 2)
    try statistics.checkPositiveSemidefinite()
  }

  @Test func theRecordOfTheDemoIsRead() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let statistics = try ReferenceStatistics(
      path: root.appendingPathComponent("reference_stats/fashion-mnist-train.npz").path)
    #expect(statistics.count == 60000 && statistics.ddof == 1)
    #expect(statistics.dialect == .pytorchFID && statistics.resolution == nil)
    #expect(try statistics.featureRows()?.count == 5000)
  }
}

// MARK: - Refusals

extension StatisticsFileTests {
  typealias Arrays = [(name: String, array: NPYArray)]

  static func identity(_ n: Int, _ scale: Double = 1) -> [Double] {
    (0..<n * n).map { $0.isMultiple(of: n + 1) ? scale : 0 }
  }

  static func pair(_ mean: [Double], _ covariance: [Double]) -> Arrays {
    let n = mean.count
    return [
      ("mu", NPYArray(doubles: mean, shape: [n])),
      ("sigma", NPYArray(doubles: covariance, shape: [n, n])),
    ]
  }

  struct Bad: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var arrays: Arrays
    var part: String
  }

  static let bad: [Bad] = [
    Bad(
      testDescription: "mu without sigma", arrays: Array(pair([0, 0], identity(2))[..<1]),
      part: "no array 'sigma' beside 'mu'"),
    Bad(
      testDescription: "sigma without mu", arrays: Array(pair([0, 0], identity(2))[1...]),
      part: "no array 'mu' beside 'sigma'"),
    Bad(
      testDescription: "mu_s without sigma_s",
      arrays: pair([0, 0], identity(2)) + [("mu_s", NPYArray(doubles: [0], shape: [1]))],
      part: "no array 'sigma_s'"),
    Bad(
      testDescription: "another sigma",
      arrays: [
        ("mu", NPYArray(doubles: [0, 0], shape: [2])),
        ("sigma", NPYArray(doubles: identity(3), shape: [3, 3])),
      ], part: "mu is float64 [2] and sigma float64 [3, 3]"),
    Bad(
      testDescription: "a diagonal",
      arrays: [
        ("mu", NPYArray(doubles: [0, 0], shape: [2])),
        ("sigma", NPYArray(doubles: [1, 1], shape: [2])),
      ], part: "sigma float64 [2]"),
    Bad(
      testDescription: "a scalar",
      arrays: [
        ("mu", NPYArray(doubles: [0], shape: [])),
        ("sigma", NPYArray(doubles: [1], shape: [1, 1])),
      ], part: "mu is float64 []"),
    Bad(
      testDescription: "nothing",
      arrays: [
        ("mu", NPYArray(doubles: [], shape: [0])),
        ("sigma", NPYArray(doubles: [], shape: [0, 0])),
      ], part: "ShapeMismatch"),
    Bad(
      testDescription: "integers",
      arrays: [
        ("mu", NPYArray(integers: [0, 0], shape: [2])),
        ("sigma", NPYArray(doubles: identity(2), shape: [2, 2])),
      ], part: "mu is int64"),
    Bad(
      testDescription: "NaN in mu", arrays: pair([0, .nan], identity(2)), part: "mean[1] is nan"),
    Bad(
      testDescription: "infinity in sigma", arrays: pair([0, 0], [1, 0, 0, .infinity]),
      part: "covariance[1, 1] is inf"),
    Bad(
      testDescription: "not symmetric", arrays: pair([0, 0], [1, 0.5, 0.4, 1]),
      part: "NotSymmetric"),
    Bad(
      testDescription: "a negative variance", arrays: pair([0, 0], identity(2, -1)),
      part: "NotPositiveSemidefinite"),
    Bad(
      testDescription: "a correlation of 2", arrays: pair([0, 0], [1, 2, 2, 1]),
      part: "smallest eigenvalue -1"),
    Bad(
      testDescription: "one row", arrays: [("feats", NPYArray(floats: [1, 2], shape: [1, 2]))],
      part: "N at least 2"),
    Bad(
      testDescription: "rows of another rank",
      arrays: [("reps", NPYArray(floats: [1, 2, 3, 4], shape: [4]))], part: "[4]"),
    Bad(
      testDescription: "rows of integers",
      arrays: [("feats", NPYArray(integers: [1, 2, 3, 4], shape: [2, 2]))], part: "int64"),
    Bad(
      testDescription: "rows with NaN",
      arrays: [("feats", NPYArray(floats: [1, .nan, 3, 4], shape: [2, 2]))],
      part: "sample 0, column 1"),
    Bad(
      testDescription: "wide rows, whose covariance would have 8 GB",
      arrays: [("feats", NPYArray(floats: .init(repeating: 0, count: 64000), shape: [2, 32000]))],
      part: "D at most 8192"),
    Bad(
      testDescription: "a wide mean",
      arrays: [
        ("mu", NPYArray(doubles: .init(repeating: 0, count: 9000), shape: [9000])),
        ("sigma", NPYArray(doubles: [], shape: [9000, 0])),
      ], part: "expected floating point [D] and [D, D]"),
  ]

  @Test("what is no statistics is refused, by what was found", arguments: bad)
  func refuses(bad: Bad) throws {
    let folder = try TemporaryFolder()
    let path = folder.path("bad.npz")
    try NPZ.write(bad.arrays, to: path)
    let failure = try #require(failure { _ = try ReferenceStatistics(path: path) })
    #expect(failure.code == .statsInvalid && failure.status == .dataRefused, "\(failure)")
    #expect(failure.detail.contains(bad.part), "\(failure)")
  }

  @Test func picklesOfOtherThingsAreRefused() throws {
    for (name, code, part) in [
      ("no_count.pkl", "StatsInvalid", "num_items"),
      (
        "several.pkl", "StatsInvalid", "vit_in256_t224_stats.npz, convnext_in256_t224_stats.npz"
      ),
      ("objects.pkl", "NpyUnsupported", "O"),
    ] {
      let failure = try #require(
        failure { _ = try ReferenceStatistics(path: Self.goldens.path(name)) })
      #expect(failure.code.rawValue == code && failure.status == .dataRefused, "\(failure)")
      #expect(failure.detail.contains(part), "\(failure)")
    }
  }

  /// EDM2 writes the statistics of Inception and of DINOv2 into one file, and FD-loss those of seven networks.
  @Test func aFileHasStatisticsOfSeveralExtractors() throws {
    let mean = try Self.goldens.array("mu").doubles()
    for (name, part, extractor, found, count) in [
      ("edm2.protocol4.pkl", nil, nil, "fid", 16),
      ("edm2.protocol4.pkl", nil, "dinov2-vit-l-14.edm2", "fd_dinov2", 5),
      ("edm2.protocol4.pkl", nil, "dinov2-vit-b-14.edm2", nil, 0),
      ("edm2.protocol4.pkl", "fd_dinov2", nil, "fd_dinov2", 5),
      ("only_dinov2.pkl", nil, nil, "fd_dinov2", 5),
      ("several.pkl", "convnext_in256_t224_stats.npz", nil, "convnext_in256_t224_stats.npz", 7),
      ("several.pkl", "fid", nil, nil, 0), ("edm.npz", "fid", nil, nil, 0),
    ] as [(String, String?, String?, String?, Int)] {
      let path = Self.goldens.path(name)
      guard let found else {
        let failure = try #require(
          failure { _ = try ReferenceStatistics(path: path, part: part, extractor: extractor) })
        #expect(failure.code == .statsInvalid, "\(failure)")
        continue
      }
      let statistics = try ReferenceStatistics(path: path, part: part, extractor: extractor)
      #expect(statistics.part == found)
      #expect(statistics.gaussian.mean == Array(mean[..<count]))
    }
  }

  @Test func picklesThatNameFunctionsAreForbidden() throws {
    let folder = try TemporaryFolder()
    let canary = folder.path("pwned")
    let command = Array("touch \(canary)".utf8)
    let call = Array("cos\nsystem\n".utf8) + [0x8C, UInt8(command.count)] + command + [0x85, 0x52]
    // {'mu': os.system('touch …')}
    let evil = [0x80, 4, 0x7D, 0x8C, 2] + Array("mu".utf8) + call + Array("s.".utf8)
    try withFile(evil, "evil.pkl") { path in
      #expect(failure { _ = try ReferenceStatistics(path: path) }?.code == .pickleForbidden)
    }
    #expect(!FileManager.default.fileExists(atPath: canary))
  }

  @Test func arraysThatClaimMoreThanTheyHave() throws {
    var shape = try bytes("edm2.protocol4.pkl")
    // The tuple (16, 16), as BININT1, BININT1, TUPLE2.
    let square = try #require(shape.firstRange(of: [0x4B, 16, 0x4B, 16, 0x86]))
    shape.replaceSubrange(square, with: [0x4B, 255, 0x4B, 255, 0x86])
    var type = try bytes("edm2.protocol4.pkl")
    type.replace(Array("f8".utf8), with: Array("c8".utf8))
    var shared = try bytes("shared.pkl")
    // The second batch is a BINGET before the APPENDS: let there be 120,000 more, 300 MB.
    let appends = shared.indices.dropFirst(2).filter {
      shared[$0] == 0x65 && shared[$0 - 2] == 0x68
    }
    let end = try #require(appends.last)
    let again = Array(shared[end - 2..<end])
    let more: [UInt8] = [0x28] + (0..<60_000).flatMap { _ in again } + [0x65]
    shared.insert(contentsOf: more + more, at: end + 1)
    for (bytes, code, part) in [
      (shape, "NpyMalformed", "[255, 255]"), (type, "NpyUnsupported", "c8"),
      (shared, "StatsInvalid", "more than"),
    ] {
      try withFile(bytes, "claims.pkl") { path in
        let failure = try #require(failure { _ = try ReferenceStatistics(path: path) })
        #expect(failure.code.rawValue == code, "\(failure)")
        #expect(failure.detail.contains(part), "\(failure)")
      }
    }
  }

  static let records: [(key: String, value: String, part: String)] = [
    ("dialect", "\"pytorch\"", "the dialects are pytorch-fid, tf"),
    ("count", "1", "at least 2"), ("ddof", "\(Int.min)", "ddof of 0 or 1"),
    ("resolution", "0", "resolution"), ("npz_sha256", "\"x\"", "SHA-256"),
    ("schema", "\"other/1\"", "schema 'other/1'"), ("extractor", "7", "extractor"),
    ("features", "-1", "record"),
  ]

  @Test("a record that cannot be is refused", arguments: records.indices)
  func records(index: Int) throws {
    let folder = try TemporaryFolder()
    let path = folder.path("stats.npz")
    try NPZ.write(Self.pair([0, 0], Self.identity(2)), to: path)
    var record = [
      "schema": "\"dis-eval-statistics/1\"", "count": "9", "dialect": "\"edm\"", "ddof": "1",
      "extractor": "{\"name\": \"x\", \"dimension\": 2}", "features": "0", "tool": "\"t\"",
      "npz_sha256": "\"\(try sha256(ofFile: path))\"",
    ]
    func write() throws {
      let text = "{" + record.map { "\"\($0)\": \($1)" }.joined(separator: ", ") + "}"
      try Data(text.utf8).write(to: URL(fileURLWithPath: folder.path("stats.json")))
    }
    try write()
    #expect(try ReferenceStatistics(path: path).dialect == .edm)
    let (key, value, part) = Self.records[index]
    record[key] = value
    try write()
    let failure = try #require(failure { _ = try ReferenceStatistics(path: path) })
    #expect(failure.code == .statsInvalid && failure.detail.contains(part), "\(failure)")
  }
}

// MARK: - Fuzzing

extension StatisticsFileTests {
  /// One file of each layout; zip archives of stored arrays and torch files have their own fuzz tests.
  static let fuzzed = [
    "adm.npz", "dgm_eval.npz", "torch_fidelity.pt", "legacy.pt", "edm2.protocol2.pkl",
    "edm2.protocol5.pkl", "stylegan.pkl", "stylegan_all.pkl",
  ]

  @Test("every prefix is refused", arguments: fuzzed)
  func prefixes(name: String) throws {
    let whole = try bytes(name)
    for count in whole.indices {
      try withFile(Array(whole[..<count]), name) { path in
        #expect(failure { _ = try readEverything(path) } != nil, "\(count)")
      }
    }
  }

  @Test("changes are refused or harmless", arguments: fuzzed)
  func mutations(name: String) throws {
    let whole = try bytes(name)
    var random = SeededGenerator(seed: 7)
    for _ in 0..<500 {
      var bytes = whole
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        let index = Int.random(in: 0..<bytes.count - 8, using: &random)
        switch UInt8.random(in: 0...2, using: &random) {
        case 0: bytes[index] = .random(in: 0...255, using: &random)
        case 1: bytes.removeSubrange(index..<index + Int.random(in: 1...8, using: &random))
        default: bytes.replaceSubrange(index..<index + 4, with: [0xFF, 0xFF, 0xFF, 0x7F])
        }
      }
      try withFile(bytes, name) { path in _ = failure { _ = try readEverything(path) } }
    }
  }

  private func readEverything(_ path: String) throws {
    guard ReferenceStatistics.isRecognised(path) else {
      throw Failure(.dataRefused, .unsupportedFormat, path, "")
    }
    let statistics = try ReferenceStatistics(path: path)
    _ = try statistics.featureRows()
    _ = try statistics.images()
  }
}

// MARK: - Helpers

private func bytes(_ name: String) throws -> [UInt8] {
  Array(
    try Data(contentsOf: URL(fileURLWithPath: StatisticsFileTests.goldens.path(name))))
}

private func withFile(_ bytes: [UInt8], _ name: String, _ body: (String) throws -> Void) throws {
  let folder = FileManager.default.isWritableFile(atPath: "/dev/shm") ? "/dev/shm" : "/tmp"
  let path = "\(folder)/dis-eval-\(UUID().uuidString)-\(name)"
  try Data(bytes).write(to: URL(fileURLWithPath: path))
  defer { unlink(path) }
  try body(path)
}

/// The failure that `body` throws, `nil` if it returns. Any other error fails the test.
private func failure(_ body: () throws -> Void) -> Failure? {
  do {
    try body()
    return nil
  } catch let failure as Failure {
    return failure
  } catch {
    Issue.record("\(error) is no Failure")
    return nil
  }
}
