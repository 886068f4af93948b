import Files
import Foundation

extension Plot {
  /// Returns the paths of the files written next to a picture: its script, its data and, for
  /// `.svg`, its table.
  public static func companions(of picture: String, _ format: PictureFormat) -> [String] {
    (["gp", "dat"] + (format == .svg ? ["csv"] : [])).map { beside(picture, $0) }
  }

  /// Returns the path of a picture with a different extension.
  static func beside(_ picture: String, _ ending: String) -> String {
    (picture as NSString).deletingPathExtension + ".\(ending)"
  }

  /// Returns whether `path` does not exist or is a file written by an earlier plot, recognised by
  /// its beginning, which may be replaced.
  public static func isFree(companion path: String) -> Bool {
    guard FileManager.default.fileExists(atPath: path) else { return true }
    guard let file = try? ReadableFile(path: path),
      let bytes = try? file.bytes(at: 0, count: min(file.size, 1 << 16))
    else { return false }
    let text = String(decoding: bytes, as: UTF8.self)
    switch (path as NSString).pathExtension {
    case "gp":
      return text.hasPrefix("# gnuplot \((path as NSString).lastPathComponent)\nset terminal ")
    case "dat":
      // The title, and the label of the x axis.
      return text.hasPrefix("0\t1\t") && text.contains("\n\n\n0.5\t0\t")
    default:
      let names = text.split(separator: "\n").first { !$0.hasPrefix("# ") }
      // Files of version 0.4.0 and before have no kinds.
      let header: Substring = "series,name,x,y,low,high"
      return text.hasPrefix("# ") && (names == header || names == "\(header),kind")
    }
  }
}
