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
  ///   - extractor: The name of the extractor whose statistics are read from a file with those of several; nil for
  ///     Inception.
  /// - Throws: `Failure` `StatsInvalid` (65) and the other codes of
  ///   ``ReferenceStatistics/init(path:part:extractor:)`` for statistics; `NoImages` (66), `NotImages` (65) and
  ///   the other codes of ``ImageSource/init(path:recursive:)`` otherwise.
  package init(path: String, recursive: Bool?, skipsBroken: Bool = false, extractor: String? = nil)
    throws
  {
    guard !ReferenceStatistics.isRecognised(path) else {
      self = .statistics(try ReferenceStatistics(path: path, extractor: Self.fullName(extractor)))
      return
    }
    let source = try ImageSource(path: path, recursive: recursive)
    self = .images(skipsBroken ? try source.withoutBroken() : source)
  }

  /// Returns the full name of an extractor; nil if it is not the name of one, which is refused elsewhere.
  private static func fullName(_ extractor: String?) -> String? {
    extractor.flatMap { try? ExtractorName($0) }?.text
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
