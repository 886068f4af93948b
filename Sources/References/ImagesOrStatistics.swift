import Files
import Images
import Results

/// Images in a folder or file, or statistics of images.
package enum ImagesOrStatistics: Sendable {
  case images(ImageSource)
  case statistics(ReferenceStatistics)

  /// Opens the images or statistics at `path`. The content determines which: an archive with `mu`
  /// and `sigma` holds statistics, everything else must be images.
  ///
  /// - Parameters:
  ///   - path: A file or folder.
  ///   - recursive: Whether to read the folders inside a folder, as in
  ///     ``ImageSource/init(path:recursive:)``.
  ///   - skipsBroken: Whether images that cannot be decoded are left out.
  /// - Throws: `Failure` `StatsInvalid` (65) and the other codes of
  ///   ``ReferenceStatistics/init(path:)`` for statistics; `NoImages` (66), `NotImages` (65) and
  ///   the other codes of ``ImageSource/init(path:recursive:)`` otherwise.
  package init(path: String, recursive: Bool?, skipsBroken: Bool = false) throws {
    guard !ReferenceStatistics.isRecognised(path) else {
      self = .statistics(try ReferenceStatistics(path: path))
      return
    }
    let source = try ImageSource(path: path, recursive: recursive)
    self = .images(skipsBroken ? try source.withoutBroken() : source)
  }

  /// The statistics; nil for images.
  package var statistics: ReferenceStatistics? {
    if case .statistics(let statistics) = self { statistics } else { nil }
  }
}

extension ImageSource {
  /// The number of images of each class, or nil if the images have no classes.
  package var labelCounts: LabelCounts? {
    guard let labels, let last = labels.max(), last < 1 << 20 else { return nil }
    return LabelCounts(labels, classes: last + 1)
  }
}
