import Files
import Foundation
import Results

/// The public statistics files known to this version: `reference_stats/registry.json`, which is
/// built into the program.
public struct StatisticsRegistry: Sendable {
  /// A public file. Facts that no source states are nil.
  public struct Entry: Codable, Equatable, Sendable {
    /// The name for `--ref` and `stats fetch`.
    public var name: String
    /// The data set.
    public var dataset: Dataset
    /// The address of the file or, if ``page`` is true, of a web page from which to download it by
    /// hand.
    public var address: String
    /// The name of the file at that address.
    public var file: String
    /// The layout of the file.
    public var format: ReferenceStatistics.Format
    /// The arrays in the file.
    public var arrays: [String]
    /// The length of a feature vector.
    public var dimension: Int
    /// The tool whose processing produced the features.
    public var dialect: Dialect?
    /// The number of images.
    public var count: Int?
    /// The side of the images in pixels.
    public var resolution: Int?
    /// The number subtracted from the count in the divisor of the covariance.
    public var ddof: Int?
    /// The published SHA-256, if any; otherwise the first download is locked.
    public var sha256: String?
    /// The source of these facts.
    public var source: String
    /// A remark for users, such as a peculiarity of the file.
    public var note: String?
    /// Whether ``address`` is a page for people instead of the file.
    public var page: Bool?
  }

  /// All files, in the order of the registry.
  public let entries: [Entry]

  private struct Document: Decodable {
    var schema: String
    var entries: [Entry]
  }

  /// Reads the registry built into the program, or the file that `DIS_EVAL_REGISTRY` names.
  ///
  /// - Throws: `Failure` `StatsInvalid` (65) if the registry is invalid, or the failure of reading
  ///   the file.
  public init() throws {
    if let path = ProcessInfo.processInfo.environment["DIS_EVAL_REGISTRY"], !path.isEmpty {
      let file = try ReadableFile(path: path)
      guard file.size < 16 << 20 else {
        throw Failure(
          .dataRefused, .statsInvalid, path, "\(file.size) bytes are more than a registry has")
      }
      try self.init(json: try file.bytes(at: 0, count: file.size), subject: path)
    } else {
      self = try Self.parsedBuiltIn.get()
    }
  }

  /// The registry built into the program, parsed once: every file of statistics is looked up in it.
  private static let parsedBuiltIn = Result {
    try StatisticsRegistry(json: builtIn, subject: "registry.json")
  }

  /// The bytes of `reference_stats/registry.json` at the time the program was built.
  package static var builtIn: [UInt8] { PackageResources.registry_json }

  /// Parses and checks a registry.
  ///
  /// - Parameters:
  ///   - json: The document, in UTF-8.
  ///   - subject: The name of the document, for messages.
  /// - Throws: `Failure` `StatsInvalid` (65) if the JSON, the schema, a name or a number is
  ///   invalid, or if a name occurs twice.
  package init(json: [UInt8], subject: String) throws {
    let document: Document = try decodedJSON(
      Data(json), subject: subject, what: "registry of statistics", code: .statsInvalid)
    func refusal(_ reason: String) -> Failure {
      Failure(.dataRefused, .statsInvalid, subject, reason)
    }
    guard document.schema == "dis-eval-registry/1" else {
      throw refusal("schema '\(document.schema)', this version reads dis-eval-registry/1")
    }
    var names: Set<String> = []
    for entry in document.entries {
      // The name is used as a file name.
      guard !entry.name.isEmpty, entry.name.utf8.count <= 100,
        entry.name.utf8.allSatisfy(Self.isNameCharacter), entry.name.utf8.first != 0x2D
      else {
        throw refusal("'\(entry.name)' is not a name: expected a-z, 0-9 and -")
      }
      guard names.insert(entry.name).inserted else { throw refusal("'\(entry.name)' occurs twice") }
      guard (1...StatisticsContent.maximumDimension).contains(entry.dimension),
        entry.count ?? 2 >= 2, entry.resolution ?? 1 >= 1,
        entry.sha256.map(isSHA256) ?? true
      else { throw refusal("'\(entry.name)': an impossible number or SHA-256") }
    }
    entries = document.entries
  }

  private static func isNameCharacter(_ byte: UInt8) -> Bool {
    switch UnicodeScalar(byte) {
    case "a"..."z", "0"..."9", "-": true
    default: false
    }
  }

  /// Returns the entry with that name.
  public subscript(name: String) -> Entry? { entries.first { $0.name == name } }

  /// Returns the names closest to an unknown name.
  func nearest(to name: String, count: Int = 3) -> [String] {
    let ranked = entries.map { (name: $0.name, distance: editDistance($0.name, name)) }
    return ranked.sorted { ($0.distance, $0.name) < ($1.distance, $1.name) }.prefix(count)
      .map(\.name)
  }

  /// Returns the entry with that name.
  ///
  /// - Throws: `Failure` `StatsUnknown` (66) with the closest names if there is none.
  public func entry(named name: String) throws(Failure) -> Entry {
    if let entry = self[name] { return entry }
    throw Failure(
      .inputMissing, .statsUnknown, name,
      "neither a file nor a name of the registry; the closest are "
        + nearest(to: name).joined(separator: ", ") + "; 'dis-eval stats list' shows all")
  }
}

/// Returns four times the number of characters to insert, remove or replace to turn `name` into
/// `typed`. Omitting the end of `name` costs one, so that the beginning of a name finds it.
private func editDistance(_ name: String, _ typed: String) -> Int {
  let typed = Array(typed.lowercased().utf8.prefix(200))
  var row = (0...typed.count).map { 4 * $0 }
  for character in name.utf8 {
    var next = [row[0] + 4]
    for (column, other) in typed.enumerated() {
      let left = row[column + 1] + (column + 1 == typed.count ? 1 : 4)
      next.append(min(left, next[column] + 4, row[column] + (character == other ? 0 : 4)))
    }
    row = next
  }
  return row[typed.count]
}
