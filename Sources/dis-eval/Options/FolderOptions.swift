import ArgumentParser
import DisEval

/// Which images of a folder are read.
struct FolderOptions: ParsableArguments {
  @Flag(
    inversion: .prefixedNo,
    help: ArgumentHelp(
      "Read the images in the folders inside a folder, or leave them out. (default: leave them out, but "
        + "refuse a folder with images both here and inside)"))
  var recursive: Bool?
}
