import FeatureExtractors
import Features
import Files
import Foundation
import Generators
import Images
import Results
import Sampling

/// The estimated cost of a whole run, from a short timing of its parts.
package struct PreFlight: Sendable {
  /// The time in seconds of one sample on one worker.
  package let secondsPerSample: Double
  /// The time in seconds of the missing samples, on all workers.
  package let seconds: Double
  /// The peak memory in bytes, with all workers.
  package let memory: Int
  /// The size in bytes of the missing units.
  package let disk: Int

  /// The number of steps that is assumed of a method that chooses them itself.
  private static let usualSteps = 20

  /// The number of samples that are made at once; a unit is a multiple of it.
  private let together: Int

  /// Takes the first steps of the first sample, and extracts the features of one image.
  ///
  /// - Parameters:
  ///   - kept: The arrays written for each sample.
  ///   - count: The number of missing samples.
  ///   - rows: The number of samples whose features stay in memory for scoring.
  package init(
    _ generator: Generator, extractor: any FeatureExtractor, kept: KeptArrays, count: Int,
    rows: Int, threads: Int
  ) throws {
    let before = ProcessMemory.current
    var state = generator.start(0)
    let step = shortest {
      if generator.isFinished(state) { state = generator.start(0) }
      generator.advance(&state, 0)
    }
    let extraction = try Self.extraction(extractor, kept)
    let decoding = generator.decoder?.cost(latentSide: generator.checkpoint.model.imageSide)
    let sampling =
      step * (generator.stepCount ?? Self.usualSteps) / .seconds(1) + (decoding?.seconds ?? 0)
    together = 1
    secondsPerSample = sampling + extraction
    seconds = secondsPerSample * Double(count) / Self.workers(threads)
    memory = Self.memory(
      before, perWorker: decoding?.bytes ?? 0, kept, rows: rows, threads: threads)
    disk = count * kept.bytesPerSample
  }

  /// Measures how long a program takes for its first samples, and extracts the features of one image.
  ///
  /// - Parameters:
  ///   - program: The program. The samples are kept, and not made again when they are needed.
  ///   - first: The samples to make, the first ones that are missing.
  ///   - kept: The arrays written for each sample.
  ///   - count: The number of missing samples.
  ///   - rows: The number of samples whose features stay in memory for scoring.
  package init(
    _ program: GeneratorProgram, making first: Range<Int>, extractor: any FeatureExtractor,
    kept: KeptArrays, count: Int, rows: Int, threads: Int
  ) async throws {
    let before = ProcessMemory.current
    let making = try await program.time(first) / Double(first.count)
    let decoding = program.decoder?.cost(latentSide: program.provenance.latent?[1] ?? 1)
    let scoring = try Self.extraction(extractor, kept) + (decoding?.seconds ?? 0)
    together = program.provenance.batch
    secondsPerSample = making + scoring
    // One is made while the features of another are extracted.
    seconds =
      max(making / Double(program.processCount), scoring / Self.workers(threads)) * Double(count)
    memory = Self.memory(
      before, perWorker: decoding?.bytes ?? 0, kept, rows: rows, threads: threads)
    disk = count * kept.bytesPerSample
  }

  /// Returns the time in seconds for the features of one image.
  private static func extraction(
    _ extractor: any FeatureExtractor, _ kept: KeptArrays
  ) throws -> Double {
    let extents = kept.extents
    let grey = Image(
      width: extents[1], height: extents[0], channels: extents[2],
      pixels: [UInt8](repeating: 128, count: extents.reduce(1, *)))
    let preparations = kept.preparations.compactMap { Preparation(name: $0) }
    return try shortest { _ = try ScoredImage(grey, extractor, preparations) } / .seconds(1)
  }

  private static func workers(_ threads: Int) -> Double {
    Double(min(threads, ProcessInfo.processInfo.activeProcessorCount))
  }

  /// Returns the peak memory in bytes.
  ///
  /// - Parameters:
  ///   - before: The memory before anything was measured.
  ///   - perWorker: What a worker takes in addition to what was measured.
  private static func memory(
    _ before: ProcessMemory, perWorker: Int, _ kept: KeptArrays, rows: Int, threads: Int
  ) -> Int {
    let after = ProcessMemory.current
    // A worker takes as much as one sample took; at the end there are three copies of the
    // covariances.
    let perWorker = max(0, after.peak - before.resident) + perWorker
    let scoring = 3 * 8 * (kept.features * kept.features + kept.spatial * kept.spatial)
    let keptRows = 4 * rows * kept.features * kept.preparations.count
    return max(after.peak, before.resident + threads * perWorker) + scoring + keptRows
  }

  /// The largest unit of at most 64 samples that takes at most five minutes, at least as many samples
  /// as are made at once.
  package var unit: Int {
    let samples = min(64, Int(300 / max(secondsPerSample, 1e-9)))
    return max(1, samples / together) * together
  }

  /// A summary in one line for users.
  package var summary: String {
    "about \(readable(seconds: seconds)), \(readable(bytes: memory)) of memory and "
      + "\(readable(bytes: disk)) of disk"
  }

  /// Checks that the machine has enough memory and disk.
  ///
  /// - Throws: `Failure` `TooLittleMemory` (71) or `TooLittleDisk` (73) if the machine has less
  ///   than is needed.
  package func check(folder: String, threads: Int) throws(Failure) {
    if let available = ProcessMemory.available, memory > available + ProcessMemory.current.resident
    {
      throw Failure(
        .outOfMemory, .tooLittleMemory, "`threads` \(threads)",
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

/// Returns the shortest time that `work` took in five attempts, or as many as start within half a
/// second. Other processes and cold caches only increase the time.
private func shortest(_ work: () throws -> Void) rethrows -> Duration {
  let clock = ContinuousClock()
  let begin = clock.now
  var shortest = try clock.measure(work)
  for _ in 1..<5 where clock.now - begin < .milliseconds(500) {
    shortest = min(shortest, try clock.measure(work))
  }
  return shortest
}

/// The memory that this process uses, in bytes.
struct ProcessMemory {
  /// The current size.
  let resident: Int
  /// The largest size so far.
  let peak: Int

  static var current: ProcessMemory {
    let status = fields(of: "/proc/self/status")
    return ProcessMemory(resident: status["VmRSS"] ?? 0, peak: status["VmHWM"] ?? 0)
  }

  /// The memory in bytes that the machine or the control group still provides; nil if unknown.
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

  /// Returns the fields of a file with lines such as `VmRSS:  1234 kB`, in bytes.
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

/// Returns the bytes that can still be written to the file system of `folder`; nil if unknown.
private func freeDisk(of folder: String) -> Int? {
  var status = statvfs()
  guard statvfs(folder, &status) == 0 else { return nil }
  return Int(clamping: status.f_bavail.multipliedFullWidth(by: UInt(status.f_frsize)).low)
}

/// Returns `1.5 GB`, `20.3 MB`, `12.0 kB`.
private func readable(bytes: Int) -> String {
  let units = [(1e9, "GB"), (1e6, "MB")]
  let (size, name) = units.first { Double(bytes) >= $0.0 } ?? (1e3, "kB")
  return String(format: "%.1f %@", Double(bytes) / size, name)
}

/// Returns a time for people: `1 h 02 min`, `5 min`, `12 s`.
package func readable(seconds: Double) -> String {
  let total = Int(min(seconds.rounded(.up), 1e9))
  let (hours, minutes) = (total / 3600, total / 60 % 60)
  if hours > 0 { return String(format: "%d h %02d min", hours, minutes) }
  return total >= 120 ? "\(minutes) min" : "\(total) s"
}
