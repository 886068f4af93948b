import ArgumentParser
import DisEval

/// Which images of a folder are read.
struct FolderOptions: ParsableArguments {
  @OptionGroup private var subfolders: SubfolderOption

  @Flag(help: "Leave out images that cannot be decoded; the result lists them.")
  var skipBroken = false

  /// Whether subfolders are searched; nil if not specified.
  var recursive: Bool? { subfolders.recursive }
}

/// Whether subfolders of a folder of images are read.
struct SubfolderOption: ParsableArguments {
  @Flag(
    inversion: .prefixedNo,
    help: ArgumentHelp(
      "Read the images in subfolders too, or leave them out. (default: leave them out, but refuse "
        + "a folder that has images in subfolders)"))
  var recursive: Bool?
}
