import Files
import Images

/// Images in a folder or file, or statistics of images.
enum ImagesOrStatistics: Sendable {
  case images(ImageSource)
  case statistics(ReferenceStatistics)

  /// Recognises `path` by content: an archive with `mu` and `sigma` is statistics, everything else
  /// must be images.
  init(path: String, recursive: Bool) throws {
    self =
      ReferenceStatistics.isRecognised(path)
      ? .statistics(try ReferenceStatistics(path: path))
      : .images(try ImageSource(path: path, recursive: recursive))
  }

  var statistics: ReferenceStatistics? {
    if case .statistics(let statistics) = self { statistics } else { nil }
  }
}

/// What is judged, checked as far as that goes before any work.
enum OpenedSubject {
  case samples(Generator, count: Int)
  case existing(ImagesOrStatistics)

  init(_ subject: Evaluation.Subject, recursive: Bool) throws {
    switch subject {
    case .existing(let path):
      self = .existing(try ImagesOrStatistics(path: path, recursive: recursive))
    case .samples(let generator, let count):
      try generator.checkMakesImages()
      try generator.checkCovers(count)
      try checkEnough(count, "--num")
      self = .samples(generator, count: count)
    }
  }

  var existing: ImagesOrStatistics? {
    if case .existing(let input) = self { input } else { nil }
  }

  var statistics: ReferenceStatistics? { existing?.statistics }
}

/// - Throws: ``Failure`` `TooFewSamples`: a covariance needs two.
func checkEnough(_ count: Int, _ subject: String) throws(Failure) {
  guard count >= 2 else {
    throw Failure(
      .dataRefused, "TooFewSamples", subject, "\(count) images; a covariance needs at least 2")
  }
}
