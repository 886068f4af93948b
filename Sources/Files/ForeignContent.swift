/// What a file really is if it is not what the user took it for, as far as its beginning or its name shows.
///
/// Everything that reads files of users explains the same file in the same words.
package enum ForeignContent: Equatable, Sendable {
  case empty
  /// What a browser or a program saves if a server answers with a page.
  case page
  /// What `git clone` leaves in place of a large file.
  case lfsPointer
  /// A compressed file, with the program that unpacks it.
  case compressed(String)
  case tar
  /// A part of a checkpoint of `torch.distributed.checkpoint`.
  case distributedCheckpoint
  /// A single picture, with its format.
  case picture(String)
  case hdf5
  /// Quantised weights, as llama.cpp and stable-diffusion.cpp read them.
  case gguf
  case pdf

  /// Recognises a file, or returns nil for anything else.
  ///
  /// - Throws: ``Failure`` `InputOutput` (74) if the file cannot be read.
  package init?(_ file: ReadableFile) throws(Failure) {
    let head = try file.bytes(at: 0, count: min(file.size, 512))
    func starts(with bytes: [UInt8]) -> Bool { head.starts(with: bytes) }
    func starts(with text: String) -> Bool { head.starts(with: text.utf8) }

    if head.isEmpty {
      self = .empty
    } else if starts(with: "version https://git-lfs") {
      self = .lfsPointer
    } else if Self.isPage(head) {
      self = .page
    } else if let program = Self.compressors.first(where: { starts(with: $0.signature) })?.program {
      self = .compressed(program)
    } else if head.dropFirst(257).starts(with: "ustar".utf8) {
      self = .tar
    } else if let format = Self.pictures.first(where: { starts(with: $0.signature) })?.format {
      self = .picture(format)
    } else if starts(with: "RIFF"), head.dropFirst(8).starts(with: "WEBP".utf8) {
      self = .picture("WebP")
    } else if starts(with: [0x89, 0x48, 0x44, 0x46]) {
      self = .hdf5
    } else if starts(with: "GGUF") {
      self = .gguf
    } else if starts(with: "%PDF-") {
      self = .pdf
    } else if file.path.hasSuffix(".distcp") {
      self = .distributedCheckpoint
    } else {
      return nil
    }
  }

  /// Returns whether text begins with a tag. The length of a safetensors header may begin with the same
  /// byte, but has zeros after it.
  private static func isPage(_ head: [UInt8]) -> Bool {
    let text = head.drop { [0x09, 0x0A, 0x0D, 0x20, 0xEF, 0xBB, 0xBF].contains($0) }
    return text.first == UInt8(ascii: "<") && !text.prefix(8).contains(0)
  }

  private static let compressors: [(signature: [UInt8], program: String)] = [
    ([0x1F, 0x8B], "gunzip"), ([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00], "unxz"),
    ([0x28, 0xB5, 0x2F, 0xFD], "unzstd"), (Array("BZh".utf8), "bunzip2"),
    ([0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C], "7z x"),
  ]

  private static let pictures: [(signature: [UInt8], format: String)] = [
    ([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A], "PNG"), ([0xFF, 0xD8, 0xFF], "JPEG"),
    (Array("GIF8".utf8), "GIF"), ([0x49, 0x49, 0x2A, 0x00], "TIFF"),
    ([0x4D, 0x4D, 0x00, 0x2A], "TIFF"),
  ]

  /// Returns the failure (65) for a file that was given in place of what a reader expects.
  ///
  /// - Parameters:
  ///   - path: The path of the file.
  ///   - code: The code of the reader. A pointer of Git LFS has a code of its own.
  ///   - expected: What the reader expects. Added to the explanation of whole files of other formats.
  package func failure(_ path: String, _ code: Failure.Code, expected: String) -> Failure {
    switch self {
    case .lfsPointer: Failure(.dataRefused, .lfsPointer, path, explanation)
    case .picture, .hdf5, .gguf, .pdf:
      Failure(.dataRefused, code, path, "\(explanation); expected \(expected)")
    default: Failure(.dataRefused, code, path, explanation)
    }
  }

  /// Whether it is a whole file of another format, rather than what a failed download leaves.
  package var isContainer: Bool {
    switch self {
    case .compressed, .tar, .picture, .hdf5, .gguf, .pdf: true
    case .empty, .page, .lfsPointer, .distributedCheckpoint: false
    }
  }

  /// What the file is, and what to do.
  package var explanation: String {
    switch self {
    case .empty: "the file is empty"
    case .page: "an HTML or XML page; the download failed"
    case .lfsPointer: "a Git LFS pointer, not the file itself; run git lfs pull"
    case .compressed(let program): "a compressed file; unpack it first with \(program)"
    case .tar: "a tar archive; unpack it first with tar -xf"
    case .distributedCheckpoint:
      "a checkpoint of torch.distributed.checkpoint; convert its folder with python -m "
        + "torch.distributed.checkpoint.format_utils dcp_to_torch FOLDER model.pt"
    case .picture(let format): "a single picture (\(format))"
    case .hdf5: "an HDF5 file"
    case .gguf: "a GGUF file, whose weights are quantised"
    case .pdf: "a PDF file"
    }
  }
}
