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
  ///   message, if it fails, or (74) if it cannot be run.
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
    var picture = try Gnuplot.run(input, stem: stem, format: format)
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

/// Runs the program without a shell, start-up files or devices, in its own temporary folder.
enum Gnuplot {
  /// The maximum time for a picture in seconds; it takes a twentieth of a second.
  static let patience = 60.0

  static func run(
    _ input: GnuplotInput, stem: String, format: PictureFormat
  ) throws(Failure) -> [UInt8] {
    guard let program = installedProgram("gnuplot") else {
      throw Failure(
        .unavailable, .gnuplotMissing, "gnuplot",
        "is not on the PATH; run 'apt-get install gnuplot-nox', or write .csv or .json (Vega-Lite), "
          + "which need no gnuplot")
    }
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("dis-eval-\(UUID().uuidString)")
    defer {
      // Without opening the folder, for which there may be no descriptor.
      for name in ["\(stem).gp", "\(stem).dat", "errors", "\(stem).\(format.rawValue)"] {
        unlink(folder.appendingPathComponent(name).path)
      }
      rmdir(folder.path)
    }
    do {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      try Data(input.script.utf8).write(to: folder.appendingPathComponent("\(stem).gp"))
      try Data(input.data.utf8).write(to: folder.appendingPathComponent("\(stem).dat"))
      let errors = folder.appendingPathComponent("errors")
      try Data().write(to: errors)
      let process = Process()
      process.executableURL = URL(fileURLWithPath: program)
      process.arguments = ["-d", "\(stem).gp"]
      process.currentDirectoryURL = folder
      process.environment = ["PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"]
      if let home = ProcessInfo.processInfo.environment["HOME"] {
        // For fontconfig's cache.
        process.environment?["HOME"] = home
      }
      process.standardInput = FileHandle.nullDevice
      process.standardOutput = FileHandle.nullDevice
      process.standardError = try FileHandle(forWritingTo: errors)
      let ended = DispatchSemaphore(value: 0)
      process.terminationHandler = { _ in ended.signal() }
      try process.run()
      if ended.wait(timeout: .now() + patience) == .timedOut {
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        throw Failure(
          .internalError, .gnuplotFailed, "gnuplot", "did not finish in \(Int(patience)) s")
      }
      let picture = [UInt8](
        (try? Data(contentsOf: folder.appendingPathComponent("\(stem).\(format.rawValue)")))
          ?? Data())
      let said = (try? String(contentsOf: errors, encoding: .utf8)) ?? ""
      // gnuplot ends with 0 even if the disk is full.
      if process.terminationReason == .exit, process.terminationStatus == 0,
        !format.isComplete(picture)
      {
        throw Failure(
          .inputOutput, .gnuplotFailed, folder.path,
          "gnuplot wrote \(picture.isEmpty ? "nothing" : "a part of the picture"): the disk is full or "
            + "fails, or files are limited in size (TMPDIR names another folder)")
      }
      guard process.terminationReason == .exit, process.terminationStatus == 0 else {
        throw Failure(
          .internalError, .gnuplotFailed, program,
          "ended with \(process.terminationStatus): \(said.prefix(500))")
      }
      return format == .pdf ? undated(picture) : picture
    } catch let failure as Failure {
      throw failure
    } catch {
      let reason = (error as NSError).userInfo[NSUnderlyingErrorKey] ?? error
      throw Failure(
        .inputOutput, .gnuplotFailed, folder.path,
        "the files for gnuplot cannot be written: \(reason)")
    }
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
