import Features
import Files
import Generators
import Images
import References
import Results
import Sampling

/// The opened subject of an evaluation, checked as far as possible before any work.
enum OpenedSubject {
  case samples(SampleSource, count: Int)
  case existing(ImagesOrStatistics)
  /// Images in memory whose features have been extracted.
  case accumulated(ImageAccumulator)
  /// Existing samples of a run, `count` in total.
  case run(RunDirectory, count: Int, isPartial: Bool)

  init(
    _ request: EvaluationRequest, preset: Preset?, execution: Execution, reporter: Reporter
  ) throws {
    let count = request.num ?? EvaluationRequest.defaultCount
    switch request.subject {
    case .images(let path):
      self = .existing(
        try ImagesOrStatistics(
          path: path, recursive: request.recursive, skipsBroken: request.skipsBroken ?? false,
          extractor: request.extractor))
    case .checkpoint(let checkpoint):
      try checkSampleCount(count)
      let generator = try Generator(checkpoint, precision: request.precision)
      try preset?.check(generator)
      try generator.checkMakesImages()
      try generator.checkCovers(count)
      self = .samples(.checkpoint(generator), count: count)
    case .generator(let generator):
      try checkSampleCount(count)
      let program = try GeneratorProgram(
        generator, processes: execution.generatorCount, timeout: execution.generatorTimeout,
        reporter: reporter)
      try preset?.check(program)
      try program.checkCovers(count)
      self = .samples(.program(program), count: count)
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
    case .samples(let source, _):
      SampleOrigin(
        checkpoint: source.checkpoint, sampler: source.sampler, generator: source.program,
        decoder: source.decoder)
    case .run(let directory, _, _): SampleOrigin(directory.record.configuration)
    }
  }

  /// The height and width of the samples in pixels.
  var sampleExtents: (height: Int, width: Int)? {
    switch self {
    case .existing, .accumulated: nil
    case .samples(let source, _): (source.imageExtents[0], source.imageExtents[1])
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

/// The origin of samples: a checkpoint and its sampler, or a program.
struct SampleOrigin {
  let checkpoint: CheckpointProvenance?
  let sampler: SamplerProvenance?
  let generator: GeneratorProvenance?
  let decoder: DecoderProvenance?

  /// The label policy.
  var labels: String? { sampler?.labels ?? generator?.labels }
  /// The number of classes; nil for a model without classes.
  var classCount: Int? { checkpoint?.model.numClasses ?? generator?.classes }
}

extension SampleOrigin {
  init(_ configuration: RunConfiguration) {
    self.init(
      checkpoint: configuration.checkpoint, sampler: configuration.sampler,
      generator: configuration.generator, decoder: configuration.decoder)
  }
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
