import Autoencoder
import Backbones
import Checkpoints
import FeatureExtractors
import Files
import Foundation
import Images
import References
import Results

/// A description of any file that dis-eval reads.
public struct Inspection: Codable, Sendable {
  /// The name and version of the document format.
  public var schema = "dis-eval-inspection/1"
  /// The path as given.
  public var file: String
  /// `checkpoint`, `weights` (a TensorFlow graph), `statistics`, `array`, `images`, `image`, `run` (a folder),
  /// `unit` (of a run) or `document` (one that dis-eval writes).
  public var kind: String
  /// The container format.
  public var format: String
  /// The size in bytes; nil for a folder.
  public var bytes: Int?
  /// The SHA-256; nil for a folder.
  public var sha256: String?
  /// The keys of the state dicts in the file.
  public var stateDicts: [String]?
  /// The key of the state dict that was inspected.
  public var key: String?
  /// What was taken off the beginning of the names of all tensors, such as `module.`.
  public var prefix: String?
  /// The metadata in a safetensors header.
  public var metadata: [String: String]?
  /// The classes in a pickle, which are never constructed.
  public var inertClasses: [String]?
  /// The network, if it is a backbone.
  public var model: ModelProvenance?
  /// What decided each property of it that is not a matter of shapes, by its name.
  public var decidedBy: [String: String]?
  /// The cost of a forward pass of a DiS, in parts.
  public var compute: ForwardCompute?
  /// The decoder of latents, if the file is one.
  public var decoder: Decoder?
  /// The name of the architecture.
  public var architecture: String?
  /// The number of elements of all tensors.
  public var parameters: Int?
  /// The tensors or arrays.
  public var tensors: [TensorLine]?
  /// The record next to the statistics.
  public var record: StatisticsRecord?
  /// The record of a run.
  public var run: RunRecord?
  /// A summary in words.
  public var summary: String?

  /// The architecture of a KL decoder.
  public struct Decoder: Codable, Sendable {
    /// The number of channels of the latents.
    public var latentChannels: Int
    /// The number of channels of the images.
    public var imageChannels: Int
    /// The number of image pixels along one latent pixel.
    public var pixelsPerLatent: Int
    /// The number of channels of each block, the lowest resolution first.
    public var blockChannels: [Int]
    /// The number of residual blocks in each block.
    public var resnetsPerBlock: Int
    /// The number of elements of the decoder's weights alone.
    public var parameters: Int
    /// Billions of operations for an image of 256 x 256 pixels, with a multiply-add counted as two.
    public var gflops256: Double
  }

  /// Inspects a file or folder of any kind that dis-eval reads.
  ///
  /// - Parameters:
  ///   - path: The path of a checkpoint, weights, statistics, images or a run.
  ///   - key: The key path of a state dict in a checkpoint; nil to choose one.
  ///   - backbone: What a checkpoint is, as far as its content does not decide.
  /// - Throws: `Failure` (65) `NoImages` if a folder has none, `RunDamaged` if a run's record is
  ///   not valid; or the error that opening a checkpoint, its state dict or statistics throws.
  public init(
    path: String, key: String?, backbone: BackboneChoices = BackboneChoices()
  ) throws {
    file = path
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), !isFolder.boolValue
    else {
      if FileManager.default.fileExists(atPath: RunRecord.path(in: path)) {
        let directory = try RunDirectory(path: path)
        let record = directory.record
        (kind, format, run) = ("run", record.schema, record)
        model = record.configuration.checkpoint?.model
        let there = record.units(count: record.count).filter(directory.isFinished)
        summary = "\(there.reduce(0) { $0 + $1.count }) of \(record.count) samples"
        return
      }
      if (try? pathsOfCheckpoint(path).count) ?? 1 > 1 {
        (kind, format) = ("checkpoint", "")
        sha256 = try Checkpoints.sha256(ofCheckpoint: path)
        try inspectCheckpoint(path, key, backbone)
        return
      }
      let source = try ImageSource(path: path, recursive: false)
      let inside = try? ImageSource.imagesInside(path)
      summary = "\(source)" + (inside.map { "; not read: \($0)" } ?? "")
      (kind, format) = ("images", source.container.rawValue)
      return
    }
    bytes = try ReadableFile(path: path).size
    sha256 = try Checkpoints.sha256(ofCheckpoint: path)
    if let schema = try Self.document(path) {
      (kind, format) = ("document", schema)
      summary = documentKinds[String(schema.prefix { $0 != "/" })]
    } else if ReferenceStatistics.isRecognised(path) {
      let statistics = try ReferenceStatistics(path: path)
      (kind, format, record) = ("statistics", statistics.format.rawValue, statistics.record)
      tensors = statistics.arrays
      summary = "\(statistics.format), \(statistics.dimension) dimensions"
    } else if let source = try? ImageSource(path: path) {
      (kind, format, summary) = ("images", source.container.rawValue, "\(source)")
    } else if let image = try? ImageDescription(path: path) {
      (kind, format, summary) = ("image", image.format, image.description)
    } else if try NPYArray.hasSignature(path) {
      let array = try NPYArray.read(path)
      (kind, format) = ("array", "npy")
      tensors = [TensorLine(name: "", type: array.type.rawValue, shape: array.shape)]
    } else if let lines = try? Self.arrays(path), !lines.isEmpty {
      (kind, format, tensors) = ("array", "npz", lines)
    } else if try RecognizedWeights.isGraph(path: path) {
      let weights = try RecognizedWeights(path: path)
      (kind, format, architecture) = ("weights", weights.layout.rawValue, weights.architecture)
      list(weights.state)
    } else {
      kind = "checkpoint"
      format = ""
      try inspectCheckpoint(path, key, backbone)
    }
  }

  private mutating func inspectCheckpoint(
    _ path: String, _ key: String?, _ backbone: BackboneChoices
  ) throws {
    let checkpoint = try CheckpointFile.open(path)
    format = checkpoint.format.rawValue
    stateDicts = checkpoint.stateDictKeys
    metadata = Dictionary(
      checkpoint.metadata.map { ($0.0, $0.1) }, uniquingKeysWith: { first, _ in first })
    inertClasses = checkpoint.inertClasses
    // The choice here never determines the choice of a run, so any state dict is better than none.
    let taken = try? checkpoint.taken(nil)
    self.key = key ?? (taken == nil ? checkpoint.stateDictKeys.first : taken?.key)
    let state = try checkpoint.taken(self.key) {
      RecognizedBackbone.hasNames($0) || (try? DecoderConfiguration($0)) != nil
    }.state
    prefix = state.prefix.isEmpty ? nil : state.prefix
    list(state)
    if try recognize(state, checkpoint, backbone) {
      return
    } else if let configuration = try? DecoderConfiguration(state) {
      architecture = "AutoencoderKL"
      decoder = Decoder(configuration)
    } else if !recognizeExtractor(path) {
      architecture = metadata?["architecture"]
      if metadata?["schema"] == UnitContent.schema {
        kind = "unit"
      } else if architecture == nil {
        summary = "no model that is read: \(Self.reasonAgainst(state, checkpoint))"
      }
    }
  }

  /// Describes the extractor in a file of weights, as far as its content decides.
  ///
  /// - Returns: Whether there is one.
  private mutating func recognizeExtractor(_ path: String) -> Bool {
    do throws(Failure) {
      let weights = try RecognizedWeights(path: path)
      architecture = weights.architecture
      summary = "layout \(weights.layout.rawValue)"
      return true
    } catch {
      guard error.code == .ambiguousExtractor else { return false }
      architecture = "undecided"
      summary = error.detail
      return true
    }
  }

  /// Describes the backbone in a checkpoint, as far as its content decides.
  ///
  /// - Returns: Whether there is one.
  private mutating func recognize(
    _ state: StateDict, _ checkpoint: CheckpointFile, _ backbone: BackboneChoices
  ) throws -> Bool {
    do throws(Failure) {
      let recognized = try RecognizedBackbone(
        state, arguments: checkpoint.arguments, choices: backbone)
      let found = recognized.architecture
      architecture = found.family.title
      model = ModelProvenance(found)
      decidedBy = recognized.decidedBy.mapValues(\.rawValue)
      if found.family == .dis { compute = ForwardCompute(try DiSConfiguration(state)) }
      return true
    } catch {
      if error.code == .backboneMismatch { throw error }
      guard error.code == .ambiguousCheckpoint else { return false }
      // What there is to decide is the most useful thing to know about it.
      architecture = "undecided"
      summary = error.detail
      return true
    }
  }

  /// The form of a document that dis-eval writes, nil for any other file.
  private static func document(_ path: String) throws -> String? {
    let file = try ReadableFile(path: path)
    guard file.size <= 1 << 24, file.size > 0,
      try file.bytes(at: 0, count: 1) == [UInt8(ascii: "{")]
    else { return nil }
    return documentSchema(of: try file.bytes(at: 0, count: file.size))
  }

  private static func reasonAgainst(_ state: StateDict, _ checkpoint: CheckpointFile) -> String {
    do throws(Failure) {
      _ = try RecognizedBackbone(state, arguments: checkpoint.arguments)
      return "its extents are not those of one"
    } catch {
      return error.detail
    }
  }

  private mutating func list(_ state: StateDict) {
    tensors = state.infos.map {
      TensorLine(name: $0.name, type: $0.type.rawValue, shape: $0.shape)
    }
    parameters = state.infos.reduce(0) { $0 + $1.shape.reduce(1, *) }
  }

  private static func arrays(_ path: String) throws -> [TensorLine] {
    let file = try NPZ.read(path)
    return try file.names.map { name in
      let layout = try file.layout(name)
      return TensorLine(name: name, type: layout.type.rawValue, shape: layout.shape)
    }
  }

  /// Returns the document as JSON with sorted keys, indented, with a final newline.
  ///
  /// - Throws: `EncodingError` if a number is not finite.
  public func json() throws -> [UInt8] { try encodedJSON(self) }
}

extension Inspection.Decoder {
  init(_ configuration: DecoderConfiguration) {
    latentChannels = configuration.latentChannels
    imageChannels = configuration.imageChannels
    pixelsPerLatent = configuration.scale
    blockChannels = configuration.blockChannels
    resnetsPerBlock = configuration.resnetsPerBlock
    parameters = configuration.parameterCount
    gflops256 =
      Double(configuration.operations(latentSide: 256 / configuration.scale)) / 1e9
  }
}
