import Dispatch
import Files
import Foundation

extension Plot {
  /// Returns the picture drawn by gnuplot, with its script and data, as the contents of files at
  /// `path` and next to it, with the extensions `.gp` and `.dat`. Does not write these files.
  ///
  /// - Throws: ``Failure`` `FileName` (64) if the file's name could be interpreted as code,
  ///   `PictureSize` (64) if the plot's size leaves too little space for the points, or is in pixels
  ///   for a PDF, `GnuplotMissing` (69) if gnuplot is not installed, `GnuplotFailed` (70), with gnuplot's
  ///   message, if it fails, or (74) if it cannot be run; or the error of writing a temporary file.
  public func picture(
    _ format: PictureFormat, at path: String
  ) throws(Failure) -> [(path: String, bytes: [UInt8])] {
    let stem = ((path as NSString).lastPathComponent as NSString).deletingPathExtension
    guard stem.wholeMatch(of: /[A-Za-z0-9_][A-Za-z0-9._-]*/) != nil else {
      throw Failure(
        .usage, .fileName, path,
        "expected a name of letters, digits, '.', '_' and '-': the script has it")
    }
    guard format != .pdf || size?.unit != .pixels else {
      throw Failure(
        .usage, .pictureSize, path, "a PDF has no pixels; give its size in in, cm or mm")
    }
    let input = try gnuplot(format, stem: stem)
    var picture = try Gnuplot.run(input, format: format)
    if format == .svg, let size { picture = Self.sized(picture, try PictureLayout(self), size) }
    return [
      (Self.beside(path, "dat"), Array(input.data.utf8)),
      (Self.beside(path, "gp"), Array(input.script.utf8)),
      (path, picture),
    ]
  }

  /// Returns an SVG picture whose size has a unit of length instead of pixels.
  private static func sized(
    _ picture: [UInt8], _ layout: PictureLayout, _ size: PictureSize
  ) -> [UInt8] {
    let (width, height) = size.withHeight(layout.height)
    let pixels =
      "width=\"\(Int(layout.width.rounded()))\" height=\"\(Int(layout.height.rounded()))\""
    guard size.unit != .pixels, let found = picture.firstRange(of: Array(pixels.utf8)) else {
      return picture
    }
    let lengths = [("width", width), ("height", height)].map { name, value in
      "\(name)=\"\(PictureSize.plain((value * 1e3).rounded() / 1e3))\(size.unit.rawValue)\""
    }
    var picture = picture
    picture.replaceSubrange(found, with: Array(lengths.joined(separator: " ").utf8))
    return picture
  }
}

/// Runs the program without a shell or start-up files. It reads its input and writes the picture through its
/// standard streams, so that no file is left behind and no write to a disk can be lost.
enum Gnuplot {
  /// The maximum time for a picture in seconds; it takes a twentieth of a second.
  static let patience = 60.0

  static func run(_ input: GnuplotInput, format: PictureFormat) throws(Failure) -> [UInt8] {
    guard let program = installedProgram("gnuplot") else {
      throw Failure(
        .unavailable, .gnuplotMissing, "gnuplot",
        "is not on the PATH; run 'apt-get install gnuplot-nox', or write .csv or .json (Vega-Lite), "
          + "which need no gnuplot")
    }
    let script = FileHandle(
      fileDescriptor: try unnamedTemporaryFile(Array(input.standardInput.utf8)),
      closeOnDealloc: true)
    let errors = FileHandle(fileDescriptor: try unnamedTemporaryFile([]), closeOnDealloc: true)
    do {
      let (picture, end) = try output(of: program, script: script, errors: errors)
      let said =
        try {
          try errors.seek(toOffset: 0); return try errors.readToEnd()
        }() ?? Data()
      guard end.reason == .exit, end.status == 0 else {
        let text = String(decoding: said.prefix(500), as: UTF8.self)
        throw Failure(.internalError, .gnuplotFailed, program, "ended with \(end.status): \(text)")
      }
      guard format.isComplete(picture) else {
        throw Failure(
          .internalError, .gnuplotFailed, program,
          "wrote \(picture.isEmpty ? "nothing" : "a part of the picture")")
      }
      return format == .pdf ? undated(picture) : picture
    } catch let failure as Failure {
      throw failure
    } catch {
      let reason = (error as NSError).userInfo[NSUnderlyingErrorKey] ?? error
      throw Failure(.inputOutput, .gnuplotFailed, program, "cannot be run: \(reason)")
    }
  }

  /// Runs gnuplot, and returns what it writes to standard output, and how it ends.
  private static func output(
    of program: String, script: FileHandle, errors: FileHandle
  ) throws -> ([UInt8], (reason: Process.TerminationReason, status: Int32)) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = ["-d"]
    process.environment = ["PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"]
    if let home = ProcessInfo.processInfo.environment["HOME"] {
      // For fontconfig's cache.
      process.environment?["HOME"] = home
    }
    let output = Pipe()
    // Without descriptors, a pipe is made of none.
    guard output.fileHandleForReading.fileDescriptor >= 0 else { throw POSIXError(.EMFILE) }
    process.standardInput = script
    process.standardOutput = output
    process.standardError = errors
    let ended = DispatchSemaphore(value: 0)
    process.terminationHandler = { _ in ended.signal() }
    try process.run()
    let (number, started) = (process.processIdentifier, ContinuousClock.now)
    let tooLong = DispatchWorkItem { kill(number, SIGKILL) }
    DispatchQueue.global().asyncAfter(deadline: .now() + patience, execute: tooLong)
    let picture = [UInt8](try output.fileHandleForReading.readToEnd() ?? Data())
    ended.wait()
    tooLong.cancel()
    guard ContinuousClock.now - started < .seconds(patience) else {
      throw Failure(
        .internalError, .gnuplotFailed, program, "did not finish in \(Int(patience)) s")
    }
    return (picture, (process.terminationReason, process.terminationStatus))
  }

  /// Returns a PDF without the time at which it was drawn, so that the same numbers give the same
  /// bytes. The length is unchanged, so the offsets in the file remain valid. From version 1.18 on,
  /// cairo writes the time into a compressed object, where it remains; then only that time differs.
  private static func undated(_ pdf: [UInt8]) -> [UInt8] {
    var pdf = pdf
    let (key, epoch) = (Array("/CreationDate (D:".utf8), Array("19700101000000".utf8))
    for found in pdf.ranges(of: key) where found.upperBound + epoch.count <= pdf.count {
      pdf.replaceSubrange(found.upperBound..<found.upperBound + epoch.count, with: epoch)
    }
    return pdf
  }
}

extension PictureFormat {
  /// Returns whether a picture has the bytes with which a file of this format ends.
  fileprivate func isComplete(_ picture: [UInt8]) -> Bool {
    let end: [UInt8] =
      switch self {
      case .svg: Array("</svg>".utf8)
      case .png: [0x49, 0x45, 0x4E, 0x44, 0xAE, 0x42, 0x60, 0x82]
      case .pdf: Array("%%EOF".utf8)
      }
    let spaces: Set<UInt8> = [0x0A, 0x0D, 0x20]
    let last = picture.lastIndex { !spaces.contains($0) }.map { $0 + 1 } ?? 0
    return picture[..<last].suffix(end.count).elementsEqual(end)
  }
}
