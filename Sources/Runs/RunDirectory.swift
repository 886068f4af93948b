import Checkpoints
import Crypto
import Diffusion
import Files
import Foundation
import Results
import Sampling
import Tensors
import Work

/// A folder in which any number of processes make the samples of one run, one unit at a time.
///
/// ```
/// run.json                             what is sampled and how it is scored
/// run.lock                             claims: byte 0 for run.json, 1 + i for the unit of sample i
/// units/000064-32.safetensors          a finished unit
/// units/000064-32.partial.safetensors  an unfinished one, with the state of its sampler
/// ```
/// The state of a run is exactly the set of its valid units. Files get their names when they are
/// complete. A process that dies leaves at most a temporary file; the next process removes it.
/// Other files in the folder are not touched.
package final class RunDirectory: Sendable {
  /// The path of the folder.
  package let path: String
  /// The contents of `run.json`.
  package let record: RunRecord
  /// The SHA-256 of the configuration.
  let configuration: String
  /// Nil if the run is only read, perhaps from a folder that is not writable.
  private let claims: ClaimFile?

  private var unitsFolder: String { "\(path)/units" }

  private init(path: String, record: RunRecord, claims: ClaimFile?) throws {
    self.path = path
    self.record = record
    self.claims = claims
    configuration = try record.configuration.sha256()
  }

  /// Opens an existing run for reading.
  ///
  /// - Throws: `Failure` `NotARun` (66) if there is no `run.json`, `RunDamaged` (65) if it is not
  ///   valid.
  package convenience init(path: String) throws {
    try self.init(path: path, record: try RunRecord.read(folder: path), claims: nil)
  }

  /// Opens the run at `path`, or creates it, or extends it to the number of samples of `asked`.
  ///
  /// - Parameters:
  ///   - path: The path of the folder, which is created if it does not exist.
  ///   - asked: What the run must be; its last count is the number of samples.
  ///   - unit: Returns the number of samples of a unit; called if the run is created.
  /// - Throws: `Failure` (73) `OtherConfiguration` or `KernelMismatch`, with the differences;
  ///   `NotEmpty` if the folder contains something else; `CannotCreate`; or `RunDamaged` (65).
  package static func open(
    _ path: String, asked: RunRecord, unit: () async throws -> Int
  ) async throws -> RunDirectory {
    try checkIsOurs(path)
    for folder in [path, "\(path)/units"] { try Folder.create(folder) }
    let claims = try ClaimFile(path: "\(path)/run.lock")
    while try !claims.claim(recordClaim) { try await Task.sleep(for: .milliseconds(50)) }
    defer { claims.release(recordClaim) }

    let recordPath = RunRecord.path(in: path)
    guard FileManager.default.fileExists(atPath: recordPath) else {
      try checkIsOurs(path)
      var record = asked
      record.unit = try await unit()
      try AtomicFile.write(try encodedJSON(record), to: recordPath)
      return try RunDirectory(path: path, record: record, claims: claims)
    }
    var record = try RunRecord.read(folder: path)
    try asked.configuration.check(canContinue: record.configuration, at: path)
    if let old = record.scoring.referenceSha256, let new = asked.scoring.referenceSha256, old != new
    {
      throw Failure(
        .cannotCreate, .otherConfiguration, path,
        "the run is scored against a reference of SHA-256 \(old), not \(new) "
          + "('\(asked.scoring.reference)'); 'dis-eval merge `reference`' scores it against a "
          + "different one")
    }
    if asked.count > record.count {
      record.counts.append(asked.count)
      try AtomicFile.write(try encodedJSON(record), to: recordPath)
    }
    return try RunDirectory(path: path, record: record, claims: claims)
  }

  private static let recordClaim = 0

  /// Refuses a folder that contains files other than those of a run and no `run.json`.
  private static func checkIsOurs(_ path: String) throws(Failure) {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue,
      !FileManager.default.fileExists(atPath: RunRecord.path(in: path))
    else { return }
    // A different process may be creating the run at this moment.
    let others = try Folder(path: path).names.map { String(decoding: $0, as: UTF8.self) }
      .filter { $0 != "units" && !UnitFileName.isOfRecord($0) }
    guard others.isEmpty else {
      throw Failure(
        .cannotCreate, .notEmpty, path,
        "the folder is not that of a run and has \(others.count) other entries; give a new or "
          + "an empty one")
    }
  }
}

// MARK: - Units

extension RunDirectory {
  /// Claims a unit for this process; false if a different process has it.
  /// The path of the file whose bytes are locked.
  var claimPath: String { "\(path)/run.lock" }

  func claim(_ unit: UnitRange) throws -> Bool { try claims?.claim(1 + unit.first) ?? false }

  /// Releases a unit.
  func release(_ unit: UnitRange) { claims?.release(1 + unit.first) }

  /// Returns whether the unit has a file.
  package func isFinished(_ unit: UnitRange) -> Bool {
    FileManager.default.fileExists(atPath: file(unit))
  }

  /// Reads a finished unit.
  ///
  /// - Throws: `Failure` `UnitDamaged` (65) if it is damaged, `OtherConfiguration` (73) if it
  ///   belongs to a different run, `NotFound` (66) if it does not exist.
  package func read(_ unit: UnitRange) throws -> UnitContent {
    try UnitContent.read(
      file(unit), first: unit.first, count: unit.count, kept: record.configuration.kept,
      configuration: configuration
    ).content
  }

  /// Creates the file of a unit. One created by a different process in the meantime must be the
  /// same.
  ///
  /// - Throws: `Failure` `UnitDiffers` (70) if the same settings gave different bytes, or the error
  ///   that writing the file throws.
  package func commit(_ content: UnitContent, as unit: UnitRange) throws {
    let bytes = content.encoded(configuration: configuration)
    var file = try AtomicFile(path: file(unit))
    try file.write(bytes)
    if try !file.commitIfNew() {
      let existing = try ReadableFile(path: self.file(unit))
      guard try existing.bytes(at: 0, count: existing.size) == bytes else {
        throw Failure(
          .internalError, .unitDiffers, self.file(unit),
          "another process made different bytes of the same samples; one of the two machines is "
            + "wrong")
      }
    }
    unlink(partialFile(unit))
  }

  /// Returns the units that do not exist. Damaged ones are removed, to be made again.
  ///
  /// - Parameters:
  ///   - units: Units of this run.
  ///   - reporter: Receives a warning for each damaged unit.
  /// - Throws: `Failure` as ``read(_:)`` does, except for `UnitDamaged`.
  package func missing(_ units: [UnitRange], reporter: Reporter) throws -> [UnitRange] {
    try units.filter { unit in
      guard isFinished(unit) else { return true }
      do {
        _ = try read(unit)
        return false
      } catch let failure as Failure where failure.code == .unitDamaged {
        reporter.warn("\(failure); it is recomputed")
        unlink(file(unit))
        return true
      }
    }
  }

  /// Saves an unfinished unit: the finished samples, and the state of the next one.
  ///
  /// - Throws: `Failure` `CannotCreate` (73) if the file cannot be created, or `DiskFull` or
  ///   `InputOutput` (74) if writing fails.
  package func save(_ content: UnitContent, _ sampling: SamplingState?, as unit: UnitRange) throws {
    let arrays = sampling?.tensors.sorted { $0.key < $1.key } ?? []
    try AtomicFile.write(
      content.encoded(
        configuration: configuration,
        more: arrays.map {
          ("state.\($0.key)", NPYArray(floats: $0.value.values, shape: $0.value.shape))
        },
        moreMetadata: sampling.map { [("state.step", "\($0.step)")] } ?? []),
      to: partialFile(unit))
  }

  /// Returns what was saved of an unfinished unit; nil if there is nothing usable.
  package func saved(_ unit: UnitRange) -> (content: UnitContent, sampling: StoredSampling?)? {
    guard
      let (content, file, state) = try? UnitContent.read(
        partialFile(unit), first: unit.first, count: nil, kept: record.configuration.kept,
        configuration: configuration),
      content.count < unit.count
    else { return nil }
    let step = file.metadata.first { $0.0 == "state.step" }.flatMap { Int($0.1) }
    let prefix = "state."
    var tensors: [String: Tensor] = [:]
    for name in state.names where name.hasPrefix(prefix) {
      guard let array = try? state.array(name), array.type == .float32 else { return nil }
      tensors[String(name.dropFirst(prefix.count))] = Tensor(
        shape: array.shape, values: array.floats())
    }
    return (content, step.map { StoredSampling(step: $0, tensors: tensors) })
  }

  /// Removes what killed processes left behind: temporary files of a run, and saved states of
  /// finished units. Keeps whatever another process is working on, and files with other names.
  ///
  /// - Throws: `Failure` `InputOutput` (74) if `run.lock` cannot be locked, or the error that
  ///   listing a folder throws.
  package func sweep() throws {
    func remove(_ path: String, _ number: Int) throws {
      guard let claims, try claims.claim(number) else { return }
      unlink(path)
      claims.release(number)
    }
    for name in try Folder(path: path).names {
      guard let text = String(validating: name, as: UTF8.self),
        AtomicFile.name(ofTemporary: text) == "run.json"
      else { continue }
      try remove("\(path)/\(text)", Self.recordClaim)
    }
    for name in try Folder(path: unitsFolder).names {
      guard let text = String(validating: name, as: UTF8.self), let file = UnitFileName(text),
        file.isTemporary || (file.isPartial && isFinished(file.unit))
      else { continue }
      try remove("\(unitsFolder)/\(text)", 1 + file.unit.first)
    }
  }

  /// Removes the files of a run, and its folder if nothing else is in it.
  package static func remove(_ path: String) {
    let units = "\(path)/units"
    for name in (try? Folder(path: units).names) ?? [] {
      guard let text = String(validating: name, as: UTF8.self), UnitFileName(text) != nil else {
        continue
      }
      unlink("\(units)/\(text)")
    }
    rmdir(units)
    for name in (try? Folder(path: path).names) ?? [] {
      guard let text = String(validating: name, as: UTF8.self),
        UnitFileName.isOfRecord(text)
      else { continue }
      unlink("\(path)/\(text)")
    }
    rmdir(path)
  }

  private func file(_ unit: UnitRange) -> String {
    "\(unitsFolder)/\(unit.name)\(UnitFileName.suffix)"
  }

  private func partialFile(_ unit: UnitRange) -> String {
    "\(unitsFolder)/\(unit.name)\(UnitFileName.partialSuffix)"
  }
}
