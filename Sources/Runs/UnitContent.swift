import Checkpoints
import Crypto
import FeatureExtractors
import Features
import Files
import Images
import Results

/// The data kept of consecutive samples, and their file format.
///
/// The file of a unit is safetensors: `labels` int64 `[N]`, `sha256` uint8 `[N, 32]` of the pixels,
/// `means` uint8 `[N, 4]` of their quarters,
/// for each preparation `<name>.features`, `<name>.logits` and `<name>.spatial` float32 `[N, D]`,
/// and `images` uint8 `[N, H, W, C]`, to the extent that the run keeps them. Its metadata contain
/// the samples, those of a single colour if there are any, the configuration, and a SHA-256 over the metadata and the arrays. It does not
/// depend on which process made it or when.
package struct UnitContent: Sendable {
  let first: Int
  /// The number of samples added.
  package private(set) var count = 0
  private let kept: KeptArrays
  private var labels: [Int64] = []
  private var digests: [UInt8] = []
  private var means: [UInt8] = []
  /// The values in the order of ``KeptArrays/floats``.
  private var floats: [[Float]]
  private var pixels: [UInt8] = []
  /// The offsets of samples of a single colour.
  private var singleColors: [Int] = []

  /// Creates content without samples.
  ///
  /// - Parameters:
  ///   - first: The index in the run of the sample that is added first.
  ///   - kept: The arrays kept for each sample.
  package init(first: Int, kept: KeptArrays) {
    self.first = first
    self.kept = kept
    floats = kept.floats.map { _ in [] }
  }

  /// Adds the next sample, to the extent that it is kept.
  ///
  /// - Parameters:
  ///   - image: The pixels, of the extents `[H, W, C]` of the run.
  ///   - label: The class, from 0; nil for a model without classes.
  ///   - scored: The features of the image in every preparation that is kept.
  package mutating func append(_ image: Image, label: Int?, _ scored: ScoredImage) {
    if kept.labels { labels.append(Int64(label ?? 0)) }
    digests += scored.digest
    if kept.keepsMeans { means += scored.means }
    let rows = kept.preparations.flatMap { name -> [[Float]] in
      guard let features = Preparation(name: name).flatMap({ scored.features[$0] }) else {
        preconditionFailure("features '\(name)' are kept, but were not extracted")
      }
      return [features.features, features.logits, kept.spatial > 0 ? features.spatial : []]
        .filter { !$0.isEmpty }
    }
    for (index, row) in rows.enumerated() { floats[index] += row }
    if kept.images { pixels += image.pixels }
    if scored.traits.contains(.singleColor) { singleColors.append(count) }
    count += 1
  }

  /// Returns the label of a sample; nil if there are no labels.
  ///
  /// - Parameter offset: The index of the sample in this unit, `0..<count`.
  package func label(at offset: Int) -> Int? { kept.labels ? Int(labels[offset]) : nil }

  /// Returns the image of a sample, `[H, W, C]`; nil if images are not kept.
  ///
  /// - Parameter offset: The index of the sample in this unit, `0..<count`.
  package func image(at offset: Int) -> Image? {
    guard kept.images else { return nil }
    let size = kept.extents.reduce(1, *)
    return Image(
      width: kept.extents[1], height: kept.extents[0], channels: kept.extents[2],
      pixels: Array(pixels[offset * size..<(offset + 1) * size]))
  }

  /// Returns the features of a sample that were kept, and the hash of its pixels.
  ///
  /// - Parameter offset: The index of the sample in this unit, `0..<count`.
  package func scoredImage(at offset: Int) -> ScoredImage {
    var vectors: [String: [Float]] = [:]
    for (array, values) in zip(kept.floats, floats) {
      vectors[array.name] = Array(values[offset * array.width..<(offset + 1) * array.width])
    }
    var features: [Preparation: ExtractedFeatures] = [:]
    for name in kept.preparations {
      guard let preparation = Preparation(name: name) else { continue }
      features[preparation] = ExtractedFeatures(
        features: vectors["\(name).features"] ?? [], logits: vectors["\(name).logits"] ?? [],
        spatial: vectors["\(name).spatial"] ?? [])
    }
    return ScoredImage(
      width: kept.extents[1], height: kept.extents[0],
      traits: singleColors.contains(offset) ? .singleColor : [],
      digest: Array(digests[offset * 32..<(offset + 1) * 32]),
      means: kept.keepsMeans
        ? Array(means[offset * SampleMeans.width..<(offset + 1) * SampleMeans.width]) : [],
      features: features)
  }
}

// MARK: - Files

extension UnitContent {
  package static let schema = "dis-eval-unit/1"

  private var arrays: [(name: String, array: NPYArray)] {
    var arrays: [(name: String, array: NPYArray)] = []
    if kept.labels { arrays.append(("labels", NPYArray(integers: labels, shape: [count]))) }
    arrays.append(("sha256", NPYArray(bytes: digests, shape: [count, 32])))
    if kept.keepsMeans {
      arrays.append(("means", NPYArray(bytes: means, shape: [count, SampleMeans.width])))
    }
    for (array, values) in zip(kept.floats, floats) {
      arrays.append((array.name, NPYArray(floats: values, shape: [count, array.width])))
    }
    if kept.images {
      arrays.append(("images", NPYArray(bytes: pixels, shape: [count] + kept.extents)))
    }
    return arrays
  }

  private static func metadata(
    first: Int, count: Int, configuration: String
  ) -> [(String, String)] {
    [
      ("schema", schema), ("first", "\(first)"), ("count", "\(count)"),
      ("configuration", configuration),
    ]
  }

  /// Returns the bytes of a file.
  ///
  /// - Parameters:
  ///   - configuration: The SHA-256 of the run's configuration.
  ///   - more: Additional arrays and metadata, for an unfinished unit.
  func encoded(
    configuration: String, more: [(name: String, array: NPYArray)] = [],
    moreMetadata: [(String, String)] = []
  ) -> [UInt8] {
    let arrays = arrays + more
    var metadata = Self.metadata(first: first, count: count, configuration: configuration)
    if !singleColors.isEmpty {
      metadata.append((Self.singleColorKey, singleColors.map(String.init).joined(separator: " ")))
    }
    metadata += moreMetadata
    let checksum = Self.checksum(metadata, arrays.map(\.array))
    return SafetensorsWriter.encode(arrays, metadata: metadata + [(Self.checksumKey, checksum)])
  }

  /// Reads a file.
  ///
  /// - Parameter count: The required number of samples; nil for an unfinished unit, which has
  ///   fewer.
  /// - Returns: The content, and the file for its other contents.
  /// - Throws: `Failure` `UnitDamaged` (65) if the file is not exactly what was written,
  ///   `OtherConfiguration` (73) if it belongs to a different run, or the error that opening it
  ///   throws.
  package static func read(
    _ path: String, first: Int, count: Int?, kept: KeptArrays, configuration: String
  ) throws -> (content: UnitContent, file: CheckpointFile, state: StateDict) {
    func damaged(_ detail: String) -> Failure {
      Failure(.dataRefused, .unitDamaged, path, detail)
    }
    let file: CheckpointFile
    let state: StateDict
    do throws(Failure) {
      file = try CheckpointFile.open(path)
      state = try file.stateDict(key: nil)
    } catch {
      // A file that disappeared or cannot be read is not damaged.
      throw error.status == .dataRefused ? damaged("\(error.code): \(error.detail)") : error
    }
    var all: [NPYArray] = []
    for name in state.names { all.append(try state.array(name)) }
    let found = Dictionary(file.metadata) { first, _ in first }
    let metadata = file.metadata.filter { $0.0 != checksumKey }
    guard found[checksumKey] == checksum(metadata, all) else {
      throw damaged("its checksum is wrong")
    }
    guard found["configuration"] == configuration else {
      throw Failure(
        .cannotCreate, .otherConfiguration, path,
        "belongs to a run with configuration \(found["configuration"] ?? "none"), this is "
          + configuration)
    }
    let rows = count ?? found["count"].flatMap { Int($0) } ?? -1
    let expected = Self.metadata(first: first, count: rows, configuration: configuration)
    for (key, value) in expected where found[key] != value {
      throw damaged("'\(key)' is \(found[key] ?? "not there"), expected \(value)")
    }
    guard (0...RunRecord.maximumUnit).contains(rows) else { throw damaged("\(rows) samples") }

    var content = try UnitContent(
      first: first, count: rows, kept: kept, arrays: state, damaged: damaged)
    for word in (found[singleColorKey] ?? "").split(separator: " ") {
      guard let offset = Int(word), (0..<rows).contains(offset) else {
        throw damaged("'\(singleColorKey)' has '\(word)', expected offsets below \(rows)")
      }
      content.singleColors.append(offset)
    }
    return (content, file, state)
  }

  /// Takes `rows` samples from the arrays of a file.
  private init(
    first: Int, count rows: Int, kept: KeptArrays, arrays state: StateDict,
    damaged: (String) -> Failure
  ) throws {
    self.init(first: first, kept: kept)
    count = rows
    do throws(Failure) {
      func array(_ name: String, _ type: ScalarType, _ shape: [Int]) throws(Failure) -> NPYArray {
        let array = try state.array(name)
        guard array.type == type, array.shape == shape else {
          throw damaged(
            "'\(name)' is \(array.type) \(array.shape), expected \(type) \(shape)")
        }
        return array
      }
      if kept.labels {
        labels = try array("labels", .int64, [rows]).integers().map { Int64($0) }
      }
      digests = try array("sha256", .uint8, [rows, 32]).bytes
      if kept.keepsMeans { means = try array("means", .uint8, [rows, SampleMeans.width]).bytes }
      for (index, kept) in kept.floats.enumerated() {
        floats[index] = try array(kept.name, .float32, [rows, kept.width]).floats()
      }
      if kept.images {
        pixels = try array("images", .uint8, [rows] + kept.extents).bytes
      }
    } catch {
      throw error.code == .tensorMissing ? damaged(error.detail) : error
    }
  }

  private static let singleColorKey = "single_color"
  private static let checksumKey = "sha256"

  /// Returns the SHA-256 over the contents of the file: the metadata, then the bytes of all arrays.
  private static func checksum(_ metadata: [(String, String)], _ arrays: [NPYArray]) -> String {
    var hash = SHA256()
    for (key, value) in metadata { hash.update(data: Array("\(key)=\(value)\n".utf8)) }
    for array in arrays { hash.update(data: array.bytes) }
    return hexadecimal(hash.finalize())
  }
}
