/// A program that makes samples, and what it is asked for.
public struct GeneratorRequest: Codable, Equatable, Sendable {
  /// The words of the command. A command in a document is a record: it is run only if the person who
  /// calls asks for it again.
  public var command: [String]
  /// The seed of the random streams.
  public var seed: UInt64
  /// `uniform`, `balanced`, a class number, or the path of a `.npy` file.
  public var labels: String
  /// The settings that the program must confirm, by their names in ``SamplingRequest``, and `steps`.
  package var settings: [String: JSONValue]
  /// The decoder that converts latents to images; nil if the program makes images.
  public var decoder: DecoderRequest?
  /// How decoded latents are converted to bytes: `dit` or `adm`.
  public var quantizer: String

  /// Creates a request for samples of a program.
  ///
  /// - Parameters:
  ///   - command: The words of the command: the program and its arguments.
  ///   - seed: The seed of the random streams.
  ///   - labels: `uniform`, `balanced`, a class number, or the path of a `.npy` file.
  ///   - decoder: The decoder that converts latents to images; nil if the program makes images.
  ///   - quantizer: How decoded latents are converted to bytes: `dit` or `adm`.
  public init(
    command: [String], seed: UInt64 = 0, labels: String = "uniform",
    decoder: DecoderRequest? = nil, quantizer: String = "dit"
  ) {
    (self.command, self.seed, self.labels) = (command, seed, labels)
    (self.decoder, self.quantizer, settings) = (decoder, quantizer, [:])
  }
}
