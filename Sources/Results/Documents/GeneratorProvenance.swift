/// A program that made the samples, as it described itself, and what it was asked for.
public struct GeneratorProvenance: Codable, Equatable, Sendable {
  /// The words of the command that started the program. They are a record and are never run.
  public var command: [String]
  /// The name of the program.
  public var name: String
  /// The version of the program.
  public var version: String
  /// The device on which it ran, in its own words.
  public var device: String?
  /// The SHA-256 of the weights; nil if it did not say.
  public var weightsSha256: String?
  /// The number of classes; nil for an unconditional model.
  public var classes: Int?
  /// The extents of an image, `[H, W, C]`; nil if it makes latents.
  public var image: [Int]?
  /// The extents of a latent, `[C, H, W]`; nil if it makes images.
  public var latent: [Int]?
  /// The number of network evaluations per sample; nil if it did not say.
  public var networkEvaluations: Int?
  /// What may differ if a sample is made again.
  public var differs: Repeatability
  /// The number of samples that it is asked for at once.
  public var batch: Int
  /// The settings in force.
  package var settings: [String: JSONValue]
  /// Those of the settings that it was asked for.
  package var requestedSettings: [String: JSONValue]
  /// The seed of the random streams.
  public var seed: UInt64
  /// The name of the scheme that assigns random numbers to samples.
  public var stream: String
  /// The label policy.
  public var labels: String
  /// The SHA-256 over the labels from a file, as int64.
  public var labelsSha256: String?
  /// How decoded latents are converted to bytes; nil if the program makes images.
  public var quantizer: String?

  /// What may differ if a sample is made again.
  public enum Repeatability: String, Codable, Sendable {
    /// Nothing.
    case nothing
    /// The last bits, as with a different device or number of samples at once.
    case lastBits = "last_bits"
    /// Everything: the samples do not depend on the seed and the index alone.
    case everything
  }

  /// Creates a record of a program from its properties.
  ///
  /// - Parameters:
  ///   - command: The words of the command that started the program.
  ///   - name: The name of the program.
  ///   - version: The version of the program.
  ///   - device: The device on which it ran, in its own words.
  ///   - weightsSha256: The SHA-256 of the weights; nil if it did not say.
  ///   - classes: The number of classes; nil for an unconditional model.
  ///   - image: The extents of an image, `[H, W, C]`; nil if it makes latents.
  ///   - latent: The extents of a latent, `[C, H, W]`; nil if it makes images.
  ///   - networkEvaluations: The number of network evaluations per sample; nil if it did not say.
  ///   - differs: What may differ if a sample is made again.
  ///   - batch: The number of samples that it is asked for at once.
  ///   - settings: The settings in force.
  ///   - requestedSettings: Those of the settings that it was asked for.
  ///   - seed: The seed of the random streams.
  ///   - stream: The name of the scheme that assigns random numbers to samples.
  ///   - labels: The label policy.
  ///   - labelsSha256: The SHA-256 over the labels from a file, as int64.
  ///   - quantizer: How decoded latents are converted to bytes; nil if the program makes images.
  package init(
    command: [String], name: String, version: String, device: String? = nil,
    weightsSha256: String? = nil, classes: Int? = nil, image: [Int]? = nil, latent: [Int]? = nil,
    networkEvaluations: Int? = nil, differs: Repeatability, batch: Int,
    settings: [String: JSONValue], requestedSettings: [String: JSONValue], seed: UInt64,
    stream: String, labels: String,
    labelsSha256: String? = nil, quantizer: String? = nil
  ) {
    (self.command, self.name, self.version, self.device) = (command, name, version, device)
    (self.weightsSha256, self.classes) = (weightsSha256, classes)
    (self.image, self.latent) = (image, latent)
    (self.networkEvaluations, self.differs, self.batch) = (networkEvaluations, differs, batch)
    (self.settings, self.requestedSettings) = (settings, requestedSettings)
    (self.seed, self.stream) = (seed, stream)
    (self.labels, self.labelsSha256, self.quantizer) = (labels, labelsSha256, quantizer)
  }

  /// Returns the settings that decide what a sample is, without those that only say how it was made:
  /// the device, who asked for the settings, and the command if the program gave the hash of its
  /// weights.
  package var identity: GeneratorProvenance {
    var identity = self
    identity.device = nil
    identity.requestedSettings = [:]
    if weightsSha256 != nil { identity.command = [] }
    return identity
  }
}
