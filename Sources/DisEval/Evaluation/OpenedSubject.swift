import Features
import Files
import Images
import References
import Results
import Sampling

/// The opened subject of an evaluation, checked as far as possible before any work.
enum OpenedSubject {
  case samples(Generator, count: Int)
  case existing(ImagesOrStatistics)
  /// Images in memory whose features have been extracted.
  case accumulated(ImageAccumulator)
  /// Existing samples of a run, `count` in total.
  case run(RunDirectory, count: Int, isPartial: Bool)

  init(_ request: EvaluationRequest, preset: Preset?) throws {
    switch request.subject {
    case .images(let path):
      self = .existing(try ImagesOrStatistics(path: path, recursive: request.recursive))
    case .checkpoint(let checkpoint):
      let count = request.num ?? EvaluationRequest.defaultCount
      try checkEnough(count, "`num`")
      let generator = try Generator(checkpoint, precision: request.precision)
      try preset?.check(generator)
      try generator.checkMakesImages()
      try generator.checkCovers(count)
      self = .samples(generator, count: count)
    case .run(let run):
      let directory = try RunDirectory(path: run.path)
      self = .run(
        directory, count: request.num ?? directory.record.count, isPartial: run.isPartial)
    }
  }

  /// The origin of the samples; nil if there are none.
  var origin: SampleOrigin? {
    switch self {
    case .existing, .accumulated: nil
    case .samples(let generator, _):
      SampleOrigin(
        checkpoint: generator.checkpoint, sampler: generator.provenance,
        decoder: generator.decoder?.provenance)
    case .run(let directory, _, _):
      SampleOrigin(
        checkpoint: directory.record.configuration.checkpoint,
        sampler: directory.record.configuration.sampler,
        decoder: directory.record.configuration.decoder)
    }
  }

  /// The height and width of the samples in pixels.
  var sampleExtents: (height: Int, width: Int)? {
    switch self {
    case .existing, .accumulated: nil
    case .samples(let generator, _): (generator.imageExtents[0], generator.imageExtents[1])
    case .run(let directory, _, _):
      (
        directory.record.configuration.kept.extents[0],
        directory.record.configuration.kept.extents[1]
      )
    }
  }

  /// The number of samples drawn or merged; nil if there are none, or if it depends on what exists.
  var sampleCount: Int? {
    switch self {
    case .samples(_, let count): count
    case .existing, .accumulated: nil
    case .run(_, let count, let isPartial): isPartial ? nil : count
    }
  }

  var existing: ImagesOrStatistics? {
    if case .existing(let input) = self { input } else { nil }
  }

  var statistics: ReferenceStatistics? { existing?.statistics }

  /// The existing images to read; nil for anything else.
  var images: ImageSource? {
    if case .existing(.images(let source)) = self { source } else { nil }
  }
}

/// The origin of samples.
struct SampleOrigin {
  let checkpoint: CheckpointProvenance
  let sampler: SamplerProvenance
  let decoder: DecoderProvenance?
}

/// The opened reference of an evaluation.
enum OpenedReference {
  case files(ImagesOrStatistics)
  /// Images in memory whose features have been extracted.
  case accumulated(ImageAccumulator)

  var statistics: ReferenceStatistics? {
    if case .files(let input) = self { input.statistics } else { nil }
  }

  /// The images to read; nil for anything else.
  var images: ImageSource? {
    if case .files(.images(let source)) = self { source } else { nil }
  }
}
