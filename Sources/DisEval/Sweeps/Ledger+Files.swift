import Backbones
import Files
import Foundation
import Results

extension Ledger {
  /// Reads the evaluations of a ledger, of a result, or of the results of several seeds, recognised by
  /// content.
  ///
  /// - Throws: `Failure` (65) `LedgerInvalid`, `LedgerConflict` or `ResultInvalid` if the file is
  ///   not valid, or the error that opening or reading it throws; `EncodingError` if a number is
  ///   not finite.
  public init(exportedFrom path: String) throws {
    let bytes = try Self.bytes(of: path)
    switch documentSchema(of: bytes) {
    case EvaluationResult.currentSchema:
      self.init()
      let result = try EvaluationResult(json: bytes, subject: path)
      for entry in LedgerEntry.entries(of: result, key: nil, document: bytes) { try set(entry) }
    case RepeatedResult.currentSchema:
      self.init()
      for result in try RepeatedResult(json: bytes, subject: path).results {
        // As the result of that seed alone would be listed.
        let document = try result.json()
        for entry in LedgerEntry.entries(of: result, key: nil, document: document) {
          try set(entry)
        }
      }
    default: try self.init(bytes, subject: path)
    }
  }
}

extension Ledger {
  /// Returns the files that paths name: the ledger of a sweep for its folder, and otherwise the path
  /// itself.
  ///
  /// - Parameter paths: Ledgers, results, and folders of sweeps.
  /// - Throws: `Failure` `NotFound` (66) if a folder has no `ledger.jsonl`.
  public static func files(at paths: [String]) throws(Failure) -> [String] {
    var files: [String] = []
    for path in paths {
      var isFolder: ObjCBool = false
      guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue
      else {
        files.append(path)
        continue
      }
      let ledger = (path as NSString).appendingPathComponent("ledger.jsonl")
      guard FileManager.default.fileExists(atPath: ledger) else {
        throw Failure(
          .inputMissing, .notFound, path,
          "is a folder without a ledger.jsonl; give the folder of a sweep, or a file")
      }
      files.append(ledger)
    }
    return files
  }

  /// Returns whether a file holds the results of several seeds.
  public static func holdsRepeats(_ path: String) -> Bool {
    guard let bytes = try? Self.bytes(of: path) else { return false }
    return documentSchema(of: bytes) == RepeatedResult.currentSchema
  }
}

extension LedgerEntry {
  /// Returns the entries for a result, with the sizes of networks known to this version.
  static func entries(
    of result: EvaluationResult, key: String?, document: [UInt8]
  ) -> [LedgerEntry] {
    entries(of: result, key: key, document: document) { Size($0) }
  }
}

extension LedgerEntry.Size {
  /// Creates the size of an architecture; nil for extents that no model has.
  init?(_ model: ModelProvenance) {
    if let family = model.backbone, family != BackboneFamily.dis.rawValue {
      guard let parameters = model.parameters, let tokens = model.tokens else { return nil }
      self.init(
        parameters: parameters, tokens: tokens,
        gflops: LedgerEntry.Gflops(total: model.gflops, thop: nil, macs: model.gmacs))
      return
    }
    let extents = [
      model.embedDim, model.depth, model.patchSize, model.channels, model.imageSide,
      model.numClasses ?? 1,
    ]
    guard extents.allSatisfy({ (1...1 << 14).contains($0) }) else { return nil }
    var configuration = DiSConfiguration.small
    configuration.embeddingDimension = model.embedDim
    configuration.blocksPerHalf = model.depth / 2
    configuration.patchSize = model.patchSize
    configuration.channels = model.channels
    configuration.imageSide = model.imageSide
    configuration.classCount = model.numClasses
    configuration.learnsSigma = model.learnSigma
    configuration.hasSkips = model.skip
    configuration.labelIsToken = model.conditioning == nil
    self.init(
      parameters: configuration.parameterCount, tokens: configuration.tokenCount,
      gflops: LedgerEntry.Gflops(
        total: configuration.cost.total / 1e9, thop: configuration.cost.thop / 1e9))
  }
}
