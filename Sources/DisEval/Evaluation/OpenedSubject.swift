import Files
import Images
import References
import Results
import Sampling

/// What is judged, checked as far as that goes before any work.
enum OpenedSubject {
  case samples(Generator, count: Int)
  case existing(ImagesOrStatistics)
  /// Samples that were made before, `count` of them in all.
  case run(RunDirectory, count: Int)

  init(_ subject: Evaluation.Subject, recursive: Bool?) throws {
    switch subject {
    case .existing(let path):
      self = .existing(try ImagesOrStatistics(path: path, recursive: recursive))
    case .samples(let generator, let count):
      try generator.checkMakesImages()
      try generator.checkCovers(count)
      try checkEnough(count, "--num")
      self = .samples(generator, count: count)
    case .run(let path, let count):
      let directory = try RunDirectory(path: path)
      self = .run(directory, count: count ?? directory.record.count)
    }
  }

  /// What samples were made by.
  var origin: SampleOrigin? {
    switch self {
    case .existing: nil
    case .samples(let generator, _):
      SampleOrigin(
        checkpoint: generator.checkpoint, sampler: generator.provenance,
        decoder: generator.decoder?.provenance)
    case .run(let directory, _):
      SampleOrigin(
        checkpoint: directory.record.configuration.checkpoint,
        sampler: directory.record.configuration.sampler,
        decoder: directory.record.configuration.decoder)
    }
  }

  /// Height and width of the samples.
  var sampleExtents: (height: Int, width: Int)? {
    switch self {
    case .existing: nil
    case .samples(let generator, _): (generator.imageExtents[0], generator.imageExtents[1])
    case .run(let directory, _):
      (
        directory.record.configuration.kept.extents[0],
        directory.record.configuration.kept.extents[1]
      )
    }
  }

  var existing: ImagesOrStatistics? {
    if case .existing(let input) = self { input } else { nil }
  }

  var statistics: ReferenceStatistics? { existing?.statistics }
}

/// What samples were made by.
struct SampleOrigin {
  let checkpoint: CheckpointProvenance
  let sampler: SamplerProvenance
  let decoder: DecoderProvenance?
}

extension Evaluation {
  /// How many samples are made or merged; nil when there are none, or it depends on what is there.
  public var sampleCount: Int? {
    get throws {
      switch subject {
      case .samples(_, let count): count
      case .existing: nil
      case .run(let path, let count):
        isPartial ? nil : try count ?? RunRecord.read(folder: path).count
      }
    }
  }

  /// Classes of the model that is judged, nil when there is none or it has no classes.
  public var classCount: Int? {
    get throws {
      switch subject {
      case .samples(let generator, _): generator.checkpoint.model.numClasses
      case .existing: nil
      case .run(let path, _):
        try RunRecord.read(folder: path).configuration.checkpoint.model.numClasses
      }
    }
  }
}
