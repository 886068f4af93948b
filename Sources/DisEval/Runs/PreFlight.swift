import FeatureExtractors
import Features
import Files
import Foundation
import Images
import Sampling

/// What a whole run will take, from a short timing of its parts.
struct PreFlight: Sendable {
  /// Of one sample on one worker.
  let secondsPerSample: Double
  /// Of samples still to be made, on all workers.
  let seconds: Double
  /// At its peak, with all workers.
  let memory: Int
  /// Of the units still to be made.
  let disk: Int

  /// Makes the first steps of the first sample, and extracts features of one image.
  ///
  /// - Parameters:
  ///   - kept: What is written of each.
  ///   - count: Samples still to be made.
  ///   - rows: Samples whose features stay in memory when they are scored.
  init(
    _ generator: Generator, extractor: any FeatureExtractor, kept: KeptArrays, count: Int,
    rows: Int, threads: Int
  ) throws {
    let before = ProcessMemory.current
    var state = generator.start(0)
    let step = shortest {
      if generator.isFinished(state) { state = generator.start(0) }
      generator.advance(&state, 0)
    }
    let extents = generator.imageExtents
    let grey = Image(
      width: extents[1], height: extents[0], channels: extents[2],
      pixels: [UInt8](repeating: 128, count: extents.reduce(1, *)))
    let preparations = kept.preparations.compactMap { Preparation(name: $0) }
    let extraction = try shortest { _ = try ScoredImage(grey, extractor, preparations) }
    let sampling = step * generator.stepCount
    let decoding = generator.decoder?.cost(latentSide: generator.checkpoint.model.imageSide)
    secondsPerSample = (sampling + extraction) / .seconds(1) + (decoding?.seconds ?? 0)
    let workers = min(threads, ProcessInfo.processInfo.activeProcessorCount)
    seconds = secondsPerSample * Double(count) / Double(workers)

    let after = ProcessMemory.current
    // A worker takes what one sample has taken; the covariances are there three times at the end.
    let perWorker = max(0, after.peak - before.resident) + (decoding?.bytes ?? 0)
    let scoring = 3 * 8 * (kept.features * kept.features + kept.spatial * kept.spatial)
    let keptRows = 4 * rows * kept.features * kept.preparations.count
    memory = max(after.peak, before.resident + threads * perWorker) + scoring + keptRows
    disk = count * kept.bytesPerSample
  }

  /// The largest unit of at most 64 samples that takes at most five minutes, at least 1.
  var unit: Int { max(1, min(64, Int(300 / max(secondsPerSample, 1e-9)))) }

  /// In one line, for people.
  var summary: String {
    "about \(readable(seconds: seconds)), \(readable(bytes: memory)) of memory and "
      + "\(readable(bytes: disk)) of disk"
  }

  /// - Throws: `Failure` `TooLittleMemory` (71) or `TooLittleDisk` (73) when the machine has less
  ///   than is needed.
  func check(folder: String, threads: Int) throws(Failure) {
    if let available = ProcessMemory.available, memory > available + ProcessMemory.current.resident
    {
      throw Failure(
        .outOfMemory, .tooLittleMemory, "--threads \(threads)",
        "\(readable(bytes: memory)) are needed and \(readable(bytes: available)) are free; use "
          + "fewer threads, or 'fid', which keeps no features in memory")
    }
    if let free = freeDisk(of: folder), disk > free {
      throw Failure(
        .cannotCreate, .tooLittleDisk, folder,
        "\(readable(bytes: disk)) are needed for what is kept of the samples, and "
          + "\(readable(bytes: free)) are free")
    }
  }
}

/// The shortest time that `work` took, of five times or as many as half a second has room for: other
/// processes and cold caches only ever make it longer.
private func shortest(_ work: () throws -> Void) rethrows -> Duration {
  let clock = ContinuousClock()
  let begin = clock.now
  var shortest = try clock.measure(work)
  for _ in 1..<5 where clock.now - begin < .milliseconds(500) {
    shortest = min(shortest, try clock.measure(work))
  }
  return shortest
}

/// What this process takes of the machine's memory, in bytes.
struct ProcessMemory {
  /// Now.
  let resident: Int
  /// At most so far.
  let peak: Int

  static var current: ProcessMemory {
    let status = fields(of: "/proc/self/status")
    return ProcessMemory(resident: status["VmRSS"] ?? 0, peak: status["VmHWM"] ?? 0)
  }

  /// What the machine or the control group still gives, nil when they do not say.
  static var available: Int? {
    let machine = fields(of: "/proc/meminfo")["MemAvailable"]
    func number(_ path: String) -> Int? {
      (try? String(contentsOfFile: path, encoding: .utf8))
        .flatMap { Int($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
    }
    let group = "/sys/fs/cgroup/memory"
    let limits = [
      (number("/sys/fs/cgroup/memory.max"), number("/sys/fs/cgroup/memory.current")),
      (number("\(group)/memory.limit_in_bytes"), number("\(group)/memory.usage_in_bytes")),
    ]
    let groups = limits.compactMap { limit, usage -> Int? in
      guard let limit, let usage else { return nil }
      return max(0, limit - usage)
    }
    return ([machine].compactMap(\.self) + groups).min()
  }

  /// The fields of a file of lines like `VmRSS:  1234 kB`, in bytes.
  private static func fields(of path: String) -> [String: Int] {
    let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    var fields: [String: Int] = [:]
    for line in text.split(separator: "\n") {
      let parts = line.split(whereSeparator: { $0 == ":" || $0.isWhitespace })
      if parts.count == 3, parts[2] == "kB", let value = Int(parts[1]) {
        fields[String(parts[0])] = value << 10
      }
    }
    return fields
  }
}

/// Bytes that may still be written to the file system of `folder`, nil if it does not say.
private func freeDisk(of folder: String) -> Int? {
  var status = statvfs()
  guard statvfs(folder, &status) == 0 else { return nil }
  return Int(clamping: status.f_bavail.multipliedFullWidth(by: UInt(status.f_frsize)).low)
}

/// `1.5 GB`, `20.3 MB`, `12.0 kB`.
private func readable(bytes: Int) -> String {
  let units = [(1e9, "GB"), (1e6, "MB")]
  let (size, name) = units.first { Double(bytes) >= $0.0 } ?? (1e3, "kB")
  return String(format: "%.1f %@", Double(bytes) / size, name)
}

/// `1 h 02 min`, `5 min`, `12 s`.
private func readable(seconds: Double) -> String {
  let total = Int(min(seconds.rounded(.up), 1e9))
  let (hours, minutes) = (total / 3600, total / 60 % 60)
  if hours > 0 { return String(format: "%d h %02d min", hours, minutes) }
  return total >= 120 ? "\(minutes) min" : "\(total) s"
}
