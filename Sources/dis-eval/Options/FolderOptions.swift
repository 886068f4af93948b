import ArgumentParser
import DisEval

/// Whether subfolders of a folder of images are read.
struct FolderOptions: ParsableArguments {
  @Flag(
    inversion: .prefixedNo,
    help: ArgumentHelp(
      "Read the images in subfolders too, or leave them out. (default: leave them out, but refuse "
        + "a folder that has images in subfolders)"))
  var recursive: Bool?

  @Flag(help: "Leave out images that cannot be decoded; the result lists them.")
  var skipBroken = false
}
