import Files
import Images
import Results
import Sampling

/// What makes the samples of an evaluation.
public enum SampleSource: Sendable {
  /// A checkpoint that this process samples.
  case checkpoint(Generator)
  /// A program that this process started.
  case program(GeneratorProgram)
}

extension SampleSource {
  /// The checkpoint; nil for a program.
  package var checkpoint: CheckpointProvenance? {
    if case .checkpoint(let generator) = self { generator.checkpoint } else { nil }
  }

  /// The sampler of the checkpoint; nil for a program.
  package var sampler: SamplerProvenance? {
    if case .checkpoint(let generator) = self { generator.provenance } else { nil }
  }

  /// The program; nil for a checkpoint.
  package var program: GeneratorProvenance? {
    if case .program(let program) = self { program.provenance } else { nil }
  }

  /// The decoder of latents; nil if the samples are images.
  package var decoder: DecoderProvenance? {
    switch self {
    case .checkpoint(let generator): generator.decoder?.provenance
    case .program(let program): program.decoder?.provenance
    }
  }

  /// The number of classes; nil for a model without classes.
  public var classCount: Int? {
    switch self {
    case .checkpoint(let generator): generator.checkpoint.model.numClasses
    case .program(let program): program.provenance.classes
    }
  }

  /// The extents of the images, `[H, W, C]`.
  public var imageExtents: [Int] {
    switch self {
    case .checkpoint(let generator): generator.imageExtents
    case .program(let program): program.imageExtents
    }
  }

  /// Returns how many of the first samples are of each class, and how many of none; nil for a model
  /// without classes.
  package func labelCounts(first count: Int) -> (counts: [Int], unlabelled: Int)? {
    switch self {
    case .checkpoint(let generator): generator.labelCounts(first: count)
    case .program(let program): program.labelCounts(first: count)
    }
  }

  /// Returns the class of a sample; nil for a model without classes.
  ///
  /// - Parameter index: The index of the sample, from 0. Labels from a file must include it.
  package func label(_ index: Int) -> Int? {
    switch self {
    case .checkpoint(let generator): generator.label(index)
    case .program(let program): program.label(index)
    }
  }

  /// Checks that labels and noise cover the first samples.
  ///
  /// - Throws: `Failure` `TooFewLabels` or `TooFewNoises` (65) if there are fewer than `count`.
  package func checkCovers(_ count: Int) throws(Failure) {
    switch self {
    case .checkpoint(let generator): try generator.checkCovers(count)
    case .program(let program): try program.checkCovers(count)
    }
  }

  /// Makes one sample.
  ///
  /// - Parameter index: The index of the sample, from 0.
  /// - Throws: `Failure` `NotFinite` (65) if the sample has NaN or infinity, or as
  ///   ``GeneratorProgram/samples(_:)`` does.
  package func image(at index: Int) async throws -> Image {
    switch self {
    case .checkpoint(let generator):
      return try generator.image(try generator.sample(index), index: index)
    case .program(let program):
      return try program.image(try await program.samples(index..<index + 1)[0], index: index)
    }
  }
}
