import Checkpoints
import Crypto
import FeatureExtractors
import Features
import Files
import Images
import References
import Results
import Tensors
import Work

// The file is safetensors: `sha256` uint8 `[N, 32]` of the pixels, `extents` int64 `[N, 2]` (width
// and height), `traits` uint8 `[N]`, and `features` float32 `[N, P (D + K + S)]` with the features,
// logits and features of sFID in each of P preparations. Its metadata name the extractor, the
// preparations and the numbers D, K and S, and contain a SHA-256 over the metadata and the arrays.
extension ImageAccumulator {
  private static let schema = "dis-eval-images/1"
  private static let checksumKey = "checksum"

  /// Writes the features of the images to a file, to be merged in a different process. The file
  /// appears completely or not at all. It contains no pixels.
  ///
  /// - Throws: `Failure` `CannotCreate` (73) if the file cannot be created, `DiskFull` or
  ///   `InputOutput` (74) if writing fails.
  public func write(to path: String) throws {
    let metadata = Self.metadata(spool.layout, extractor.provenance, count: count)
    var hash = Self.hash(of: metadata)
    try forEachPart { bytes throws(Failure) in hash.update(data: bytes) }
    try SafetensorsWriter.write(
      Self.tensors(spool.layout, count: count),
      metadata: metadata + [(Self.checksumKey, hexadecimal(hash.finalize()))], to: path
    ) { file throws(Failure) in
      try forEachPart { bytes throws(Failure) in try file.write(bytes) }
    }
  }

  /// Reads the images that ``write(to:)`` wrote.
  ///
  /// - Parameters:
  ///   - path: The path of the file.
  ///   - extractor: The extractor of the features.
  ///   - dialect: The dialect in which results are computed.
  ///   - metrics: The metrics that results contain, as far as the inputs allow.
  ///   - name: The name of the images in results and messages.
  ///   - workload: The amount of work that runs at once.
  /// - Throws: `Failure` (65) `AccumulatorInvalid` if the file is not exactly what was written,
  ///   `ExtractorMismatch` if its features are of a different extractor, `LayoutMismatch` if it was
  ///   written for different dialects or metrics; or the error that opening the file throws.
  public init(
    contentsOf path: String, extractor: LoadedExtractor,
    dialect: DialectChoice = .one(.pytorchFID),
    metrics: Set<MetricName> = [.fid, .inceptionScore], name: String = "images",
    workload: Workload = .default
  ) throws {
    try self.init(
      extractor: extractor, dialect: dialect, metrics: metrics, name: name, workload: workload)
    func invalid(_ detail: String) -> Failure {
      Failure(.dataRefused, .accumulatorInvalid, path, detail)
    }
    let file = try CheckpointFile.open(path)
    let found = Dictionary(file.metadata) { first, _ in first }
    guard found["schema"] == Self.schema, let count = found["count"].flatMap({ Int($0) }),
      (0...1 << 32).contains(count)
    else { throw invalid("not a file of accumulated images, whose schema is \(Self.schema)") }
    let expected = Self.metadata(spool.layout, extractor.provenance, count: count)
    for (key, value) in expected where found[key] != value {
      throw Failure(
        .dataRefused, key.hasPrefix("extractor") ? .extractorMismatch : .layoutMismatch, path,
        "\(key) is \(found[key] ?? "missing"), expected \(value)")
    }
    let state = try file.stateDict(key: nil)
    var hash = Self.hash(of: expected)
    var arrays: [NPYArray] = []
    for info in Self.tensors(spool.layout, count: count) {
      let array = try state.array(info.name)
      guard array.type == info.type, array.shape == info.shape else {
        throw invalid(
          "'\(info.name)' is \(array.type) \(array.shape), expected \(info.type) \(info.shape)")
      }
      hash.update(data: array.bytes)
      arrays.append(array)
    }
    guard found[Self.checksumKey] == hexadecimal(hash.finalize()) else {
      throw invalid("its checksum is wrong")
    }
    try restore(
      digests: arrays[0].bytes, extents: arrays[1].integers(), traits: arrays[2].bytes,
      rows: arrays[3].floats())
  }

  private mutating func restore(
    digests: [UInt8], extents: [Int], traits: [UInt8], rows: [Float]
  ) throws(Failure) {
    let headers = traits.indices.map { index in
      FeatureSpool.Header(
        width: extents[2 * index], height: extents[2 * index + 1],
        traits: Image.Traits(rawValue: traits[index]),
        digest: Array(digests[32 * index..<32 * (index + 1)]))
    }
    try spool.append(headers, rows)
  }

  private static func tensors(_ layout: FeatureSpool.Layout, count: Int) -> [TensorInfo] {
    [
      TensorInfo(name: "sha256", type: .uint8, shape: [count, 32]),
      TensorInfo(name: "extents", type: .int64, shape: [count, 2]),
      TensorInfo(name: "traits", type: .uint8, shape: [count]),
      TensorInfo(name: "features", type: .float32, shape: [count, layout.width]),
    ]
  }

  private static func metadata(
    _ layout: FeatureSpool.Layout, _ extractor: ExtractorProvenance, count: Int
  ) -> [(String, String)] {
    [
      ("schema", schema), ("count", "\(count)"), ("extractor", extractor.name),
      ("extractor.sha256", extractor.sha256 ?? "unknown"),
      ("extractor.precision", (extractor.precision ?? .float32).rawValue),
      ("preparations", layout.preparations.map(\.name).joined(separator: " ")),
      ("features", "\(layout.features)"), ("logits", "\(layout.logits)"),
      ("spatial", "\(layout.spatial)"),
    ]
  }

  private static func hash(of metadata: [(String, String)]) -> SHA256 {
    var hash = SHA256()
    for (key, value) in metadata { hash.update(data: Array("\(key)=\(value)\n".utf8)) }
    return hash
  }

  /// Calls `body` with the bytes of all arrays, in the order of the file.
  private func forEachPart(_ body: ([UInt8]) throws(Failure) -> Void) throws(Failure) {
    try body(spool.headers.flatMap(\.digest))
    try body(
      spool.headers.flatMap { header in
        [header.width, header.height].flatMap { value in
          withUnsafeBytes(of: Int64(value).littleEndian, Array.init)
        }
      })
    try body(spool.headers.map(\.traits.rawValue))
    try spool.forEachBlock { (_, rows) throws(Failure) in
      try body(rows.withUnsafeBytes { Array($0) })
    }
  }
}
