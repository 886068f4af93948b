import Diffusion
import Files
import Foundation
import Results

/// The protocol between this process and a generator; see docs/generators.md.
enum GeneratorProtocol {
  /// The name and version of the protocol.
  static let name = "dis-eval-generator/1"
  /// The maximum length in bytes of a line of an answer.
  static let maximumLine = 65_536
  /// The maximum size in bytes of the samples of a frame, which are in memory together.
  static let maximumFrame = 1 << 30
  /// The number of samples in a request to a generator that does not say how many it likes.
  static let usualBatch = 64
  /// The maximum number of samples in a request.
  static let maximumBatch = 4096
}

/// The first line for a generator.
struct HelloMessage: Encodable {
  let type = "hello"
  let `protocol` = GeneratorProtocol.name
  let seed: UInt64
  let stream: String
  let settings: [String: JSONValue]
  let process: Int
  let processes: Int
}

/// A request for samples.
struct MakeMessage: Encodable {
  let type = "make"
  let first: Int
  let count: Int
  let labels: [Int]?
  let keys: [String]
  let noise: Content?

  /// The bytes that follow.
  struct Content: Encodable {
    let bytes: Int
    let sha256: String
  }
}

/// The request to end.
struct StopMessage: Encodable {
  let type = "stop"
}

/// What a generator says about itself.
package struct ReadyMessage: Decodable, Equatable {
  let `protocol`: String
  let name: String
  let version: String
  let image: [Int]?
  let latent: [Int]?
  let differs: GeneratorProvenance.Repeatability
  let classes: Int?
  let weightsSha256: String?
  let device: String?
  let networkEvaluations: Int?
  let batch: Int?
  let noise: [Int]?
  let stream: String?
  let settings: [String: JSONValue]?
}

/// The line before the bytes of samples.
package struct FrameMessage: Decodable {
  let first: Int
  let count: Int
  package let bytes: Int
  let sha256: String
}

extension ReadyMessage {
  /// Returns what is not possible, and what was expected; nil if there is nothing.
  package var problem: String? {
    func problem(_ key: String, _ found: some Any, _ expected: String) -> String {
      "'\(key)' is \(found), expected \(expected)"
    }
    func isText(_ text: String) -> Bool { !text.isEmpty && text.utf8.count <= 200 }
    guard self.protocol == GeneratorProtocol.name else {
      return problem("protocol", self.protocol, GeneratorProtocol.name)
    }
    if !isText(name) { return problem("name", "'\(name)'", "a text of 1 to 200 bytes") }
    if !isText(version) { return problem("version", "'\(version)'", "a text of 1 to 200 bytes") }
    guard (image == nil) != (latent == nil) else {
      return "expected either 'image' or 'latent', and found \(image == nil ? "none" : "both")"
    }
    if let image,
      image.count != 3 || !image.allSatisfy((1...16_384).contains) || ![1, 3].contains(image[2])
    {
      return problem("image", image, "[H, W, C] with sides of 1 to 16384 and 1 or 3 channels")
    }
    if let latent, latent.count != 3 || !latent.allSatisfy((1...4096).contains) {
      return problem("latent", latent, "[C, H, W] of 1 to 4096 each")
    }
    if let noise,
      noise.count != 3 || !noise.allSatisfy((1...16_384).contains)
        || noise.reduce(1, *) > 1 << 24
    {
      return problem("noise", noise, "[C, H, W] of at most 16777216 values")
    }
    if let classes, !(1...1 << 20).contains(classes) {
      return problem("classes", classes, "1 to \(1 << 20), or null")
    }
    if let weightsSha256, weightsSha256.wholeMatch(of: /[0-9a-f]{64}/) == nil {
      return problem("weights_sha256", weightsSha256, "64 hexadecimal digits in lower case")
    }
    if let device, !isText(device) { return problem("device", device, "a text of 1 to 200 bytes") }
    if let networkEvaluations, networkEvaluations < 1 {
      return problem("network_evaluations", networkEvaluations, "at least 1")
    }
    if let batch, !(1...GeneratorProtocol.maximumBatch).contains(batch) {
      return problem("batch", batch, "1 to \(GeneratorProtocol.maximumBatch)")
    }
    let bytes = (image ?? latent ?? []).reduce(image == nil ? 4 : 1, *)
    guard bytes <= GeneratorProtocol.maximumFrame / (batch ?? GeneratorProtocol.usualBatch) else {
      return problem(
        "batch", batch ?? GeneratorProtocol.usualBatch,
        "at most \(GeneratorProtocol.maximumFrame / bytes) samples of \(bytes) bytes, because a "
          + "frame has at most \(GeneratorProtocol.maximumFrame) bytes")
    }
    if let stream, stream != RandomStream.name {
      return problem("stream", stream, "\(RandomStream.name), or no such key")
    }
    return nil
  }
}
