import Checkpoints
import Crypto
import Files
import Images
import Results
import Sampling
import Tensors
import Work

/// A task that draws samples without scoring them.
package struct SampleRun: Sendable {
  /// What makes the samples.
  package let source: SampleSource
  /// The number of samples.
  package let count: Int
  /// The amount of work that runs at once.
  package let workload: Workload

  /// Creates a task that draws the first samples of a source.
  ///
  /// - Parameters:
  ///   - source: What makes the samples.
  ///   - count: The number of samples, from sample 0 on.
  ///   - workload: The amount of work that runs at once.
  package init(source: SampleSource, count: Int, workload: Workload) {
    self.source = source
    self.count = count
    self.workload = workload
  }

  /// Draws the samples on all workers, and passes them on in index order.
  ///
  /// - Parameters:
  ///   - rawPath: The path for the float samples `[N, C, H, W]` of a checkpoint before quantisation, or
  ///     for the latents of a latent model; nil to write none.
  ///   - reporter: Receives the progress.
  ///   - sink: Receives every image in index order with its label; nil if only raw samples are
  ///     wanted. A latent model without a decoder yields only raw samples.
  /// - Returns: The SHA-256 over the SHA-256s of the images; nil if there were none.
  /// - Throws: `Failure` `LatentModel` (69) if images need a decoder; (65) `TooFewLabels` or
  ///   `TooFewNoises` if there are fewer than samples, or `NotFinite` if a sample has NaN or
  ///   infinity; the error that preparing the workload or writing the file throws; or the error
  ///   thrown by `sink`.
  package func run(
    rawPath: String?, reporter: Reporter, sink: ((Image, Int?) throws -> Void)?
  ) async throws -> String? {
    try workload.prepare()
    try source.checkCovers(count)
    var hash = SHA256()
    func take(_ image: Image, _ index: Int) throws {
      hash.update(data: Array(SHA256.hash(data: image.pixels)))
      try sink?(image, source.label(index))
    }
    func report(_ done: Int) {
      reporter.progress(WorkProgress(activity: "sampling", done: done, total: count))
    }
    switch source {
    case .checkpoint(let generator):
      if sink != nil { try generator.checkMakesImages() }
      let model = generator.checkpoint.model
      let shape = [count, model.channels, model.imageSide, model.imageSide]
      let raw = try rawPath.map { try RawSamples(path: $0, shape: shape) }
      let wantsImages = sink != nil
      try await forEachInOrder(count: count, width: workload.threads, inFlight: workload.batch) {
        index in
        let sample = try generator.sample(index)
        return (sample, wantsImages ? try generator.image(sample, index: index) : nil)
      } consume: { (index, drawn: (sample: Tensor, image: Image?)) in
        try raw?.append(drawn.sample.values)
        if let image = drawn.image { try take(image, index) }
        report(index + 1)
      }
      try raw?.finish()
    case .program(let program):
      let parts = program.parts(of: 0..<count)
      let cores = Slots(workload.threads)
      try await forEachInOrder(
        count: parts.count, width: 2 * program.processCount + workload.threads, inFlight: 1
      ) { part in
        let samples = try await program.samples(parts[part])
        return try await cores.use { _ in
          try zip(parts[part], samples).map { try program.image($1, index: $0) }
        }
      } consume: { part, images in
        for (index, image) in zip(parts[part], images) { try take(image, index) }
        report(parts[part].upperBound)
      }
    }
    return sink == nil ? nil : hexadecimal(hash.finalize())
  }
}

/// A `.npy` file of float samples that is written as they are drawn, so that only samples in flight
/// are in memory.
private final class RawSamples {
  private var file: AtomicFile

  /// - Parameter shape: `[N, C, H, W]`.
  init(path: String, shape: [Int]) throws(Failure) {
    try AtomicFile.check(path)
    file = try AtomicFile(path: path)
    try file.write(NPYArray.header(ofFloats: shape))
  }

  /// Writes the values of the next sample.
  func append(_ values: [Float]) throws(Failure) {
    try file.write(NPYArray(floats: values, shape: [values.count]).bytes)
  }

  /// Completes the file and gives it its name.
  func finish() throws(Failure) { try file.commit() }
}
