import Checkpoints
import Crypto
import Files
import Images
import Results
import Tensors
import Work

/// Draws samples from a checkpoint without scoring them.
public struct SampleRun: Sendable {
  /// The checkpoint and its settings.
  public let generator: Generator
  /// How many samples.
  public let count: Int
  /// How much runs at once.
  public let workload: Workload

  /// Describes the work.
  public init(generator: Generator, count: Int, workload: Workload) {
    self.generator = generator
    self.count = count
    self.workload = workload
  }

  /// Draws the samples.
  ///
  /// - Parameters:
  ///   - rawPath: Where the float samples `[N, C, H, W]` before quantisation go, of a latent model
  ///     the latents; nil for nowhere.
  ///   - sink: Gets every image in index order with its label; nil if only raw samples are wanted,
  ///     which is all that a latent model without a decoder can give.
  /// - Returns: SHA-256 over the SHA-256s of the images, nil if there were none.
  public func run(
    rawPath: String?, reporter: Reporter, sink: ((Image, Int?) throws -> Void)?
  ) async throws -> String? {
    try workload.prepare()
    if sink != nil { try generator.checkMakesImages() }
    try generator.checkCovers(count)
    let model = generator.checkpoint.model
    let shape = [count, model.channels, model.imageSide, model.imageSide]
    let raw = try rawPath.map { try RawSamples(path: $0, shape: shape) }
    var hash = SHA256()
    let wantsImages = sink != nil
    try await forEachInOrder(count: count, width: workload.threads, inFlight: workload.batch) {
      index in
      let sample = try generator.sample(index)
      return (sample, wantsImages ? try generator.image(sample, index: index) : nil)
    } consume: { (index, drawn: (sample: Tensor, image: Image?)) in
      try raw?.append(drawn.sample.values)
      if let sink, let image = drawn.image {
        hash.update(data: Array(SHA256.hash(data: image.pixels)))
        try sink(image, generator.label(index))
      }
      reporter.progress(WorkProgress(activity: "sampling", done: index + 1, total: count))
    }
    try raw?.finish()
    return sink == nil ? nil : hexadecimal(hash.finalize())
  }
}

/// Float samples on their way into a `.npy` file, so that memory holds only those in flight.
private final class RawSamples {
  private var file: AtomicFile

  /// - Parameter shape: `[N, C, H, W]`.
  init(path: String, shape: [Int]) throws(Failure) {
    try AtomicFile.check(path)
    file = try AtomicFile(path: path)
    try file.write(NPYArray.header(ofFloats: shape))
  }

  /// Takes the values of the next sample.
  func append(_ values: [Float]) throws(Failure) {
    try file.write(NPYArray(floats: values, shape: [values.count]).bytes)
  }

  /// Gives the file its name.
  func finish() throws(Failure) { try file.commit() }
}
