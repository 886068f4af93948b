import Files
import Tensors

/// The network and the weights that the features were computed with.
public struct ExtractorProvenance: Codable, Sendable {
  /// The architecture, or `unknown`.
  public var name: String
  /// The file name of the weights.
  public var file: String?
  /// The SHA-256 of the weights.
  public var sha256: String?
  /// The SHA-256 over Inception's tensors, which is the same for the same weights in every file
  /// format.
  public var tensorsSha256: String?
  /// Whether the weights are the published weights of their architecture.
  public var published: Bool?
  /// How an image is converted to the network's input.
  public var preprocessing: String?
  /// The length of a feature vector, D.
  public var dimension: Int
  /// The number format of the network's matrix products; nil for float32.
  public var precision: Precision?
  /// The vision network and the dialect of the images, if the extractor is unknown because the other side does not
  /// name its own; nil otherwise.
  public var network: String?

  /// Creates a record of an extractor from its properties.
  ///
  /// - Parameters:
  ///   - name: The architecture, or `unknown`.
  ///   - file: The file name of the weights.
  ///   - sha256: The SHA-256 of the weights.
  ///   - tensorsSha256: The SHA-256 over Inception's tensors, which is the same for the same
  ///     weights in every file format.
  ///   - published: Whether the weights are the published weights of their architecture.
  ///   - preprocessing: How an image is converted to the network's input.
  ///   - dimension: The length of a feature vector, D.
  ///   - precision: The number format of the network's matrix products; nil for float32.
  package init(
    name: String, file: String? = nil, sha256: String? = nil, tensorsSha256: String? = nil,
    published: Bool? = nil, preprocessing: String? = nil, dimension: Int,
    precision: Precision? = nil
  ) {
    self.name = name
    self.file = file
    self.sha256 = sha256
    self.tensorsSha256 = tensorsSha256
    self.published = published
    self.preprocessing = preprocessing
    self.dimension = dimension
    self.precision = precision
  }
}

/// The images or statistics that the images were compared with.
public struct ReferenceProvenance: Codable, Sendable {
  /// The name of the file or folder.
  public var file: String
  /// The SHA-256 of a statistics file.
  public var sha256: String?
  /// The data set that the file names.
  public var dataset: Dataset?
  /// The number of images; nil if the file does not record it.
  public var count: Int?
  /// The format of the statistics file.
  public var format: String?
  /// The dialect of its features; nil if unknown.
  public var dialect: String?
  /// The side of the images in pixels; nil if unknown.
  public var resolution: Int?

  /// Creates a record of a reference from its properties.
  ///
  /// - Parameters:
  ///   - file: The name of the file or folder.
  ///   - sha256: The SHA-256 of a statistics file.
  ///   - dataset: The data set that the file names.
  ///   - count: The number of images; nil if the file does not record it.
  ///   - format: The format of the statistics file.
  ///   - dialect: The dialect of its features; nil if unknown.
  ///   - resolution: The side of the images in pixels; nil if unknown.
  package init(
    file: String, sha256: String? = nil, dataset: Dataset? = nil, count: Int? = nil,
    format: String? = nil, dialect: String? = nil, resolution: Int? = nil
  ) {
    self.file = file
    self.sha256 = sha256
    self.dataset = dataset
    self.count = count
    self.format = format
    self.dialect = dialect
    self.resolution = resolution
  }
}

/// The name of a data set and of a part of it.
public struct Dataset: Codable, Equatable, Sendable {
  /// The name, such as `fashion-mnist`.
  public var name: String
  /// The split, such as `train`.
  public var split: String?

  /// Creates a data set from its name and split.
  ///
  /// - Parameters:
  ///   - name: The name, such as `fashion-mnist`.
  ///   - split: The split, such as `train`; nil if unknown.
  public init(name: String, split: String?) {
    self.name = name
    self.split = split
  }
}

extension ExtractorProvenance {
  /// The name to give as `extractor` again: that of a vision network, which has its dialect after a full stop; nil
  /// for other networks, which are known by their weights.
  package var requestedName: String? { network ?? (name.contains(".") ? name : nil) }

  /// The name of an extractor that is unknown.
  package static let unknownName = "unknown"

  /// Returns whether features of the two extractors can be compared, because they have the same
  /// tensors, the same file, or two published forms of the same network; nil if unknown.
  package func isSame(as other: ExtractorProvenance) -> Bool? {
    guard name == other.name, network == other.network else { return false }
    if published == true, other.published == true { return true }
    if let tensorsSha256, tensorsSha256 == other.tensorsSha256 { return true }
    guard let sha256, let otherSHA256 = other.sha256 else {
      // A published file and an unpublished one are not the same.
      return published == nil || other.published == nil ? nil : false
    }
    return sha256 == otherSHA256
  }
}

extension Precision {
  /// The precision as recorded in provenance, which omits float32.
  package var recorded: Precision? { self == .float32 ? nil : self }
}
