import Checkpoints
import Files

/// Images that cannot be decoded.
extension ImageSource {
  /// Returns the images without those that cannot be decoded, each of which is decoded to find out.
  ///
  /// - Returns: The other images, in the same order; ``leftOut`` names what is missing.
  /// - Throws: ``Failure`` `NoImages` (66) if none can be decoded, or the failure of reading a file for
  ///   any reason but its content.
  public func withoutBroken() throws(Failure) -> ImageSource {
    var (kept, failures): ([Int], [Failure]) = ([], [])
    for index in 0..<count {
      if let failure = try broken(index) { failures.append(failure) } else { kept.append(index) }
    }
    guard !failures.isEmpty else { return self }
    guard !kept.isEmpty else {
      throw Failure(
        .inputMissing, .noImages, failures[0].subject,
        "none of the \(count) images can be decoded; this one: \(failures[0].detail)")
    }
    return ImageSource(keeping: kept, of: self, leftOut: failures)
  }

  /// Returns a failure that names all images that cannot be decoded, if there are more than one; otherwise
  /// `failure`.
  ///
  /// - Parameter failure: The first failure that reading these images met.
  package func naming(_ failure: Failure) -> Failure {
    guard failure.status == .dataRefused else { return failure }
    var (number, shown): (Int, [String]) = (0, [])
    for index in 0..<count {
      guard let other = try? broken(index) else { continue }
      number += 1
      if number <= 20 { shown.append("\(lastComponent(other.subject)) (\(other.detail))") }
    }
    guard number > 1 else { return failure }
    return Failure(
      .dataRefused, failure.code, failure.subject,
      "\(failure.detail); \(number) of \(count) images cannot be decoded: "
        + shown.joined(separator: ", ") + (number > 20 ? " and \(number - 20) more" : "")
        + "; `skipsBroken` leaves them out")
  }

  /// Returns the name of an image, for messages; nil for an image in an array.
  package func name(of index: Int) -> String? {
    switch storage {
    case .folder(let folder, let names): folder.displayPath(of: names[index])
    case .zip(let archive, let entries, let path):
      "\(path): \(archive.entries[entries[index]].name)"
    case .array, .batches: nil
    }
  }

  /// Returns the bytes of the name of an image: the path of a file inside its folder or zip file; nil for an image
  /// in an array.
  ///
  /// - Parameter index: A number from 0 to ``count`` - 1.
  package func fileName(of index: Int) -> [UInt8]? {
    switch storage {
    case .folder(_, let names): names[index]
    case .zip(let archive, let entries, _): Array(archive.entries[entries[index]].name.utf8)
    case .array, .batches: nil
    }
  }

  /// A warning that names the images that were left out, at most 20 of them; nil if there are none.
  package var warningOfBroken: String? {
    guard !leftOut.isEmpty else { return nil }
    let shown = leftOut.prefix(20).map { lastComponent($0.subject) }.joined(separator: ", ")
    return "\(self): \(leftOut.count) more cannot be decoded and were left out: \(shown)"
      + (leftOut.count > 20 ? " and others" : "")
  }

  /// Returns why an image cannot be decoded, nil if it can.
  private func broken(_ index: Int) throws(Failure) -> Failure? {
    do {
      _ = try image(at: index)
      return nil
    } catch {
      guard error.status == .dataRefused else { throw error }
      return error
    }
  }

  private func description(keeping kept: Int) -> String {
    "\(container == .zip ? "zip file" : "folder") of \(kept) images"
  }

  private init(keeping kept: [Int], of source: ImageSource, leftOut: [Failure]) {
    let storage: Storage =
      switch source.storage {
      case .folder(let folder, let names): .folder(folder, kept.map { names[$0] })
      case .zip(let archive, let entries, let path):
        .zip(archive, kept.map { entries[$0] }, path: path)
      case .array, .batches: preconditionFailure("only files can be broken one by one")
      }
    self.init(
      count: kept.count, description: source.description(keeping: kept.count),
      ignored: source.ignored,
      labels: source.labels.map { labels in kept.map { labels[$0] } }, size: source.size,
      leftOut: leftOut, storage: storage)
  }
}
