import Files
import Foundation

/// Returns `value` with four decimals, or four significant digits if it is below 0.1.
func shown(_ value: Double) -> String {
  String(format: abs(value) < 0.1 && value != 0 ? "%.4g" : "%.4f", value)
}

/// Returns `low to high`; nil if there is no interval.
func ends(_ interval: ClosedRange<Double>?) -> String? {
  interval.map { "\(shown($0.lowerBound)) to \(shown($0.upperBound))" }
}

/// Returns the full name of a metric, followed by its short name.
func longName(_ name: String) -> String {
  let names = [
    "fid": "Fréchet Inception Distance", "sfid": "spatial FID", "fd": "Fréchet distance",
    "fd_dinov2": "FD-DINOv2",
    "is": "Inception Score", "cs": "classifier score", "kid": "Kernel Inception Distance",
  ]
  return names[name].map { "\($0) (\(name))" } ?? name
}

/// Returns `argument` quoted for a shell.
func quoted(_ argument: String) -> String {
  let isPlain = argument.utf8.allSatisfy {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
      || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0 | 0x20)
      || "-_./=,:+%@".utf8.contains($0)
  }
  return isPlain && !argument.isEmpty
    ? argument : "'\(replacing(["'": "'\\''"], in: argument))'"
}
