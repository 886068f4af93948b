import Checkpoints
import Files
import GenerativeMetrics
import Results

extension ReferenceStatistics {
  /// The layouts of statistics that published tools write. The raw values are used in the registry.
  public enum Format: String, Codable, Sendable, CustomStringConvertible {
    /// `mu` `[D]` and `sigma` `[D, D]`: TTUR, pytorch-fid, clean-fid, EDM, U-ViT, DiS, and this
    /// tool, which may add `mu_s`, `sigma_s` and `features`.
    case npz = "npz"
    /// guided-diffusion's reference batches, which add `mu_s`, `sigma_s` and images, `arr_0`.
    case adm = "adm-npz"
    /// Feature rows of this tool, `features`, without mean and covariance.
    case features = "features-npz"
    /// Feature rows alone: an npy file, or an archive with one array without a name, `arr_0`.
    case featureRows = "feature-rows"
    /// clean-fid's rows for KID, `feats`.
    case cleanFeatures = "clean-fid-kid-npz"
    /// dgm-eval's rows, `reps`. The pickled `hparams` beside them are never read.
    case representations = "dgm-eval-npz"
    /// A pickle with `mu` and `sigma`.
    case pickle = "pickle"
    /// EDM, EDM2 and FD-loss: a pickle with the statistics of several extractors, each under a name such as `fid`.
    case edm = "edm-pickle"
    /// StyleGAN's `FeatureStats`: sums of the features and of their products.
    case featureStats = "stylegan-pickle"
    /// torch-fidelity's cache of statistics.
    case torch = "torch"
    /// torch-fidelity's cache of feature rows.
    case torchFeatures = "torch-features"

    /// The name of the format and its arrays, for people.
    public var description: String {
      switch self {
      case .npz: "npz (mu, sigma)"
      case .adm: "ADM npz (mu, sigma, mu_s, sigma_s, images)"
      case .features: "npz (feature rows)"
      case .featureRows: "feature rows (npy, or arr_0)"
      case .cleanFeatures: "clean-fid KID npz (feats)"
      case .representations: "dgm-eval npz (reps)"
      case .pickle: "pickle (mu, sigma)"
      case .edm: "EDM pickle (mu, sigma of one or more extractors)"
      case .featureStats: "StyleGAN FeatureStats pickle"
      case .torch: "torch-fidelity cache (mu, sigma)"
      case .torchFeatures: "torch-fidelity cache (feature rows)"
      }
    }
  }
}

/// The content of a file of statistics, before anything is computed from it. The layout is
/// recognised by content.
struct StatisticsContent {
  /// A mean and a covariance as stored.
  typealias Moments = (mean: NPYArray, covariance: NPYArray)

  let path: String
  let format: ReferenceStatistics.Format
  /// The name under which the statistics are, in a file with those of several extractors; nil for other files.
  private(set) var part: String?
  /// The names of all statistics in a file with those of several extractors; empty for other files.
  private(set) var parts: [String] = []
  /// The statistics of the pooled features. For ``ReferenceStatistics/Format/featureStats``, these
  /// are sums.
  private(set) var moments: Moments?
  /// The statistics of the spatial features.
  private(set) var spatial: Moments?
  /// The feature rows, `[N, D]`.
  private(set) var rows: (@Sendable () throws -> NPYReader)?
  /// The logits of the classes, `[N, K]`.
  private(set) var logits: (@Sendable () throws -> NPYReader)?
  /// The number of images according to the file itself.
  private(set) var count: Int?
  /// All entries of the file, including those that are not numeric arrays.
  private(set) var arrays: [TensorLine] = []

  /// The largest number of dimensions. More would need over half a gigabyte for one covariance.
  static let maximumDimension = 8192

  /// Reads the content of `path` except for feature rows and images.
  ///
  /// - Parameters:
  ///   - part: The name of the statistics to read, in a file with those of several extractors; nil to choose by
  ///     `extractor`.
  ///   - extractor: The extractor whose statistics are to be read if there are several; nil for Inception.
  /// - Throws: `Failure` `StatsInvalid` (65) with what was found, or the failure with which the
  ///   container is refused.
  init(path: String, part: String? = nil, extractor: String? = nil) throws {
    let file = try ReadableFile(path: path)
    if let foreign = try ForeignContent(file) {
      throw foreign.failure(path, .statsInvalid, expected: "statistics of images or feature rows")
    }
    if try PickledValue.Container(recognizing: file) == nil {
      if try Self.isArray(file) {
        try self.init(NPYReader(path: path), path: path)
      } else {
        try self.init(NPZ.read(path), path: path)
      }
    } else {
      try self.init(PickledValue.read(path), path: path, part: part, extractor: extractor)
    }
    guard part == nil || self.part != nil else {
      throw Self.refusal(path, "holds one set of statistics, and no part '\(part ?? "")'")
    }
  }

  static func refusal(_ path: String, _ reason: String) -> Failure {
    Failure(.dataRefused, .statsInvalid, path, reason)
  }
}

// MARK: - npz

extension StatisticsContent {
  /// The names of arrays that identify an archive as statistics instead of images.
  static let names: Set = [
    "mu", "sigma", "mu_s", "sigma_s", "ref_mu", "ref_sigma", "features", "feats", "reps",
  ]

  private init(_ file: NPZ, path: String) throws {
    self.path = path
    let names = Set(file.names)
    if names.contains("mu") || names.contains("sigma") {
      format = names.contains("arr_0") ? .adm : .npz
      moments = try Self.moments(file, "mu", "sigma", path: path)
      if names.contains("mu_s") || names.contains("sigma_s") {
        spatial = try Self.moments(file, "mu_s", "sigma_s", path: path)
      }
      if names.contains("features") { rows = { try file.reader("features") } }
    } else if names.contains("ref_mu") || names.contains("ref_sigma") {
      format = .npz
      moments = try Self.moments(file, "ref_mu", "ref_sigma", path: path)
    } else if names.contains("feats") {
      format = .cleanFeatures
      rows = { try file.reader("feats") }
    } else if names.contains("reps") {
      format = .representations
      rows = { try file.reader("reps") }
    } else if names.contains("features") {
      format = .features
      rows = { try file.reader("features") }
    } else if Self.hasUnnamedRows(file) {
      format = .featureRows
      rows = { try file.reader("arr_0") }
    } else {
      throw Self.refusal(
        path,
        "has \(Self.listed(file.names)), expected mu and sigma, or feature rows (features, feats, "
          + "reps); convert it to an npz with mu and sigma")
    }
    if names.contains("logits"), names.contains("features") {
      logits = { try file.reader("logits") }
    }
    arrays = file.names.map { name in
      guard let layout = try? file.layout(name) else {
        return TensorLine(name: name, type: "no numbers", shape: [])
      }
      return TensorLine(name: name, type: layout.type.rawValue, shape: layout.shape)
    }
  }

  /// Returns whether the only array without a name can be feature rows: floating point `[N, D]`.
  fileprivate static func hasUnnamedRows(_ file: NPZ) -> Bool {
    guard file.names.contains("arr_0"), let layout = try? file.layout("arr_0") else { return false }
    return layout.type.isFloatingPoint && layout.shape.count == 2
  }

  private init(_ array: NPYReader, path: String) throws {
    self.path = path
    format = .featureRows
    rows = { array }
    arrays = [TensorLine(name: "", type: array.type.rawValue, shape: array.shape)]
    guard array.type.isFloatingPoint, array.shape.count == 2 else {
      throw Self.refusal(
        path, "\(array.type) \(array.shape), expected feature rows, floating point [N, D]")
    }
  }

  /// Returns whether a file is an npy file.
  fileprivate static func isArray(_ file: ReadableFile) throws -> Bool {
    try file.bytes(at: 0, count: min(file.size, 6)) == [0x93] + Array("NUMPY".utf8)
  }

  private static func moments(
    _ file: NPZ, _ mean: String, _ covariance: String, path: String
  ) throws -> Moments {
    for name in [mean, covariance] where !file.names.contains(name) {
      throw refusal(
        path,
        "no array '\(name)' beside '\(name == mean ? covariance : mean)', there are: "
          + "\(listed(file.names)); a distance needs both; create the file again")
    }
    for name in [mean, covariance] {
      let size = try file.size(name)
      guard size <= 8 * (maximumDimension * maximumDimension) + 16_384 else {
        throw refusal(path, "'\(name)' has \(size) bytes; at most [8192, 8192] is read")
      }
    }
    return (try file.array(mean), try file.array(covariance))
  }

  private static func listed(_ names: [String]) -> String {
    names.isEmpty ? "nothing" : names.prefix(20).joined(separator: ", ")
  }
}

// MARK: - Pickles and torch files

extension StatisticsContent {
  private init(
    _ root: PickledValue, path: String, part asked: String?, extractor: String?
  ) throws {
    self.path = path
    let parts = Self.parts(of: root)
    let isTorch = try PickledValue.Container(recognizing: ReadableFile(path: path)) == .torch
    arrays = try Self.lines(root)
    if root["mu"] != nil || root["sigma"] != nil {
      format = isTorch ? .torch : .pickle
      moments = try Self.moments(root, "mu", "sigma", path: path)
    } else if !parts.isEmpty {
      format = .edm
      let part = try Self.chosen(asked, of: parts, for: extractor, path: path)
      (self.part, self.parts) = (part, parts)
      if let dictionary = root[part] {
        moments = try Self.moments(dictionary, "mu", "sigma", path: path)
      }
      count = root["num_images"]?.integer
    } else if root["raw_mean"] != nil || root["raw_cov"] != nil || root["all_features"] != nil {
      format = .featureStats
      count = root["num_items"]?.integer
      if root["raw_mean"] != nil || root["raw_cov"] != nil {
        moments = try Self.moments(root, "raw_mean", "raw_cov", path: path)
        guard let count, count > 0 else {
          throw Self.refusal(
            path, "sums of features without 'num_items', the number of images to divide them by")
        }
      }
      if let parts = root["all_features"]?.elements, !parts.isEmpty {
        rows = { try Self.joined(parts, path: path) }
      }
      guard moments != nil || rows != nil else {
        throw Self.refusal(path, "a FeatureStats that has captured nothing")
      }
    } else if try root.layout()?.shape.count == 2 {
      format = .torchFeatures
      rows = {
        guard let array = try root.array() else { throw Self.refusal(path, "no array") }
        return NPYReader(array)
      }
    } else {
      throw Self.refusal(
        path,
        "holds \(root.description), expected mu and sigma, fid or fd_dinov2 (EDM), raw_mean and raw_cov "
          + "(StyleGAN), or feature rows [N, D] (torch-fidelity)")
    }
  }

  /// Returns the names under which a dictionary has dictionaries that can be statistics.
  private static func parts(of root: PickledValue) -> [String] {
    (root.keys ?? []).filter { key in
      root[key]?["mu"] != nil || root[key]?["sigma"] != nil
        || key == "fid" && root[key]?.keys != nil
    }
  }

  /// The parts of EDM2's files, with the extractor of each.
  static let extractors = ["fid": MetricTitle.inception, "fd_dinov2": MetricTitle.dinov2]

  /// Returns the name of the statistics to read.
  private static func chosen(
    _ part: String?, of parts: [String], for extractor: String?, path: String
  ) throws(Failure) -> String {
    if let part {
      guard parts.contains(part) else {
        throw refusal(path, "no part '\(part)'; there are \(listed(parts))")
      }
      return part
    }
    if let found = parts.first(where: { extractors[$0] == extractor ?? MetricTitle.inception }) {
      return found
    }
    guard parts.count == 1 else {
      throw refusal(
        path,
        "statistics of \(parts.count) extractors: \(listed(parts)); take one with dis-eval stats convert and `part`"
      )
    }
    return parts[0]
  }

  private static func moments(
    _ dictionary: PickledValue, _ mean: String, _ covariance: String, path: String
  ) throws -> Moments {
    func array(_ name: String) throws -> NPYArray {
      guard let value = dictionary[name], let array = try value.array() else {
        throw refusal(
          path,
          "'\(name)' is \(dictionary[name]?.description ?? "missing") in "
            + "\(dictionary.description), expected an array")
      }
      return array
    }
    return (try array(mean), try array(covariance))
  }

  /// Returns the arrays of a dictionary and of the dictionaries within it.
  private static func lines(_ root: PickledValue) throws -> [TensorLine] {
    func line(_ value: PickledValue, _ name: String) throws -> TensorLine? {
      try value.layout().map { .init(name: name, type: $0.type.rawValue, shape: $0.shape) }
    }
    if let line = try line(root, "") { return [line] }
    var lines: [TensorLine] = []
    for key in (root.keys ?? []).prefix(100) {
      guard let value = root[key] else { continue }
      if let line = try line(value, key) { lines.append(line) }
      for inner in (value.keys ?? []).prefix(100) {
        if let value = value[inner], let line = try line(value, "\(key).\(inner)") {
          lines.append(line)
        }
      }
    }
    return lines
  }

  /// Joins batches of rows into one array. A batch may occur in the list many times, so the list
  /// can represent much more than its size in bytes.
  private static func joined(_ parts: [PickledValue], path: String) throws -> NPYReader {
    var rows: [Float] = []
    var dimension: Int?
    for part in parts {
      let layout = try part.layout()
      guard let (type, shape) = layout, type.isFloatingPoint, shape.count == 2, shape[1] > 0,
        shape[1] == dimension ?? shape[1], let array = try part.array()
      else {
        throw refusal(
          path,
          "'all_features' has \(layout.map { "\($0.type) \($0.shape)" } ?? part.description), "
            + "expected floating point [N, D] with one D")
      }
      dimension = shape[1]
      rows += array.floats()
      guard rows.count <= PickledValue.maximumSize / MemoryLayout<Float>.size else {
        throw refusal(path, "'all_features' has more than \(PickledValue.maximumSize) bytes")
      }
    }
    let columns = dimension ?? 1
    return NPYReader(NPYArray(floats: rows, shape: [rows.count / columns, columns]))
  }
}

// MARK: - Recognition

extension StatisticsContent {
  /// Returns whether `path` is meant as statistics, in which case anything wrong with it is an
  /// error instead of a reason to interpret it differently. A pickle alone cannot be anything else,
  /// except for a batch of CIFAR.
  static func isRecognised(_ path: String) -> Bool {
    guard let file = try? ReadableFile(path: path),
      let container = try? PickledValue.Container(recognizing: file)
    else {
      if let file = try? ReadableFile(path: path), (try? isArray(file)) == true {
        guard let array = try? NPYReader(path: path) else { return false }
        return array.type.isFloatingPoint && array.shape.count == 2
      }
      guard let archive = try? NPZ.read(path) else { return false }
      return !Self.names.isDisjoint(with: archive.names) || hasUnnamedRows(archive)
    }
    switch container {
    case .pickle: return (try? PickledValue.read(path))?["data"] == nil
    case .torch:
      // The reason a file cannot be read is more helpful than "no images".
      guard let root = try? PickledValue.read(path) else { return true }
      do { if try root.layout()?.shape.count == 2 { return true } } catch { return true }
      return ["mu", "sigma", "raw_mean"].contains { root[$0] != nil } || !parts(of: root).isEmpty
    }
  }
}
