import Files
import Images
import Work

extension Generator {
  /// Draws one sample. Sample i depends only on the settings and i: it is the same whether it is
  /// drawn alone, with others, or by the command.
  ///
  /// - Parameter index: The index of the sample, at least 0.
  /// - Throws: `Failure` `IndexOutOfRange` (64) if the index is negative, `TooFewLabels` or
  ///   `TooFewNoises` (65) if labels or noise were given for fewer samples, `LatentModel` (69) if
  ///   the model makes latents and there is no decoder, `NotFinite` (65) if the network or the
  ///   decoder produces NaN or infinity.
  public func image(at index: Int) throws -> Image {
    try checkMakesImages()
    try check(index)
    return try image(try sample(index), index: index)
  }

  /// Returns a sequence of samples in ascending order. They are drawn as they are asked for, at most
  /// as many ahead as the workload allows in flight; drawing stops when the task is cancelled.
  ///
  /// - Parameters:
  ///   - range: The indices of the samples, at least 0.
  ///   - workload: The amount of work that runs at once. It does not change a sample.
  /// - Throws: `Failure` as ``image(at:)`` does, for the last index, before anything is drawn. The
  ///   sequence throws what drawing a sample throws.
  public func images(
    _ range: Range<Int>, workload: Workload = .default
  ) throws -> SampledImages {
    try checkMakesImages()
    if let last = range.last { for index in [range.lowerBound, last] { try check(index) } }
    try workload.prepare()
    return SampledImages(generator: self, range: range, workload: workload)
  }

  /// Checks that there is a sample with that index.
  func check(_ index: Int) throws(Failure) {
    guard (0..<Int.max).contains(index) else {
      throw Failure(.usage, .indexOutOfRange, "sample \(index)", "expected an index of at least 0")
    }
    try checkCovers(index + 1)
  }
}

/// Samples of a generator, drawn as they are asked for; see ``Generator/images(_:workload:)``.
public struct SampledImages: AsyncSequence, Sendable {
  /// A sample, `[H, W, C]`.
  public typealias Element = Image

  let generator: Generator
  let range: Range<Int>
  let workload: Workload

  /// Returns an iterator that begins with the first sample.
  public func makeAsyncIterator() -> Iterator { Iterator(samples: self, next: range.lowerBound) }

  /// Draws a batch of samples on all workers whenever the samples before it have been taken.
  public struct Iterator: AsyncIteratorProtocol {
    let samples: SampledImages
    var next: Int
    private var drawn: ArraySlice<Image> = []

    init(samples: SampledImages, next: Int) { (self.samples, self.next) = (samples, next) }

    /// Returns the next sample, or nil after the last one.
    ///
    /// - Throws: The error that drawing a sample throws, or `CancellationError` if the task is
    ///   cancelled.
    public mutating func next() async throws -> Image? {
      if drawn.isEmpty {
        let count = Swift.min(samples.workload.batch, samples.range.upperBound - next)
        guard count > 0 else { return nil }
        let (generator, first) = (samples.generator, next)
        var images: [Image] = []
        try await forEachInOrder(
          count: count, width: samples.workload.threads, inFlight: count
        ) { offset in
          try generator.image(try generator.sample(first + offset), index: first + offset)
        } consume: { _, image in
          images.append(image)
        }
        drawn = images[...]
        next += count
      }
      return drawn.popFirst()
    }
  }
}
