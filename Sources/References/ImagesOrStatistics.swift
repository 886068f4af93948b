import Files
import Images
import Results

/// Images in a folder or file, or statistics of images.
package enum ImagesOrStatistics: Sendable {
  case images(ImageSource)
  case statistics(ReferenceStatistics)

  /// Recognises `path` by content: an archive with `mu` and `sigma` is statistics, everything else
  /// must be images.
  package init(path: String, recursive: Bool?) throws {
    self =
      ReferenceStatistics.isRecognised(path)
      ? .statistics(try ReferenceStatistics(path: path))
      : .images(try ImageSource(path: path, recursive: recursive))
  }

  package var statistics: ReferenceStatistics? {
    if case .statistics(let statistics) = self { statistics } else { nil }
  }
}

extension ImageSource {
  /// The classes of the images, nil where they have none.
  package var labelCounts: LabelCounts? {
    guard let labels, let last = labels.max(), last < 1 << 20 else { return nil }
    return LabelCounts(labels, classes: last + 1)
  }
}
