import Checkpoints
import Crypto
import Diffusion
import Files
import Foundation
import Results
import Tensors
import Work

/// A folder in which any number of processes make the samples of one run, a unit at a time.
///
/// ```
/// run.json                             what is sampled and how it is scored
/// run.lock                             claims: byte 0 for run.json, byte 1 + i for the unit of sample i
/// units/000064-32.safetensors          a finished unit
/// units/000064-32.partial.safetensors  an unfinished one, with the state of its sampler
/// ```
/// The state of a run is the set of its valid units and nothing else. Files get their name when they
/// are whole; who dies leaves at most a temporary file, which the next one removes. No other file of
/// the folder is touched.
package final class RunDirectory: Sendable {
  /// The folder.
  let path: String
  /// What `run.json` says.
  package let record: RunRecord
  /// SHA-256 of the configuration.
  let configuration: String
  /// Nil when the run is only read, which may be from a folder that cannot be written.
  private let claims: ClaimFile?

  private var unitsFolder: String { "\(path)/units" }

  private init(path: String, record: RunRecord, claims: ClaimFile?) throws {
    self.path = path
    self.record = record
    self.claims = claims
    configuration = try record.configuration.sha256()
  }

  /// Opens a run that is there, to read what it has.
  ///
  /// - Throws: `Failure` `NotARun`, `RunDamaged`.
  package convenience init(path: String) throws {
    try self.init(path: path, record: try RunRecord.read(folder: path), claims: nil)
  }

  /// Opens the run at `path`, or begins it, or lets it grow to the number of samples of `asked`.
  ///
  /// - Parameter unit: Samples of a unit, asked when the run is begun.
  /// - Throws: `Failure` `OtherConfiguration` or `KernelMismatch` (73), naming what differs;
  ///   `NotEmpty` for a folder of something else.
  package static func open(
    _ path: String, asked: RunRecord, unit: () throws -> Int
  ) async throws -> RunDirectory {
    try checkIsOurs(path)
    do {
      try FileManager.default.createDirectory(
        atPath: "\(path)/units", withIntermediateDirectories: true)
    } catch {
      throw Failure(
        .cannotCreate, .cannotCreate, path,
        "the folder cannot be made: it cannot be written there, or something that is not a folder is "
          + "in the way")
    }
    let claims = try ClaimFile(path: "\(path)/run.lock")
    while try !claims.claim(recordClaim) { try await Task.sleep(for: .milliseconds(50)) }
    defer { claims.release(recordClaim) }

    let recordPath = RunRecord.path(in: path)
    guard FileManager.default.fileExists(atPath: recordPath) else {
      try checkIsOurs(path)
      var record = asked
      record.unit = try unit()
      try AtomicFile.write(try encodedJSON(record), to: recordPath)
      return try RunDirectory(path: path, record: record, claims: claims)
    }
    var record = try RunRecord.read(folder: path)
    try asked.configuration.check(canContinue: record.configuration, at: path)
    if let old = record.scoring.referenceSha256, let new = asked.scoring.referenceSha256, old != new
    {
      throw Failure(
        .cannotCreate, .otherConfiguration, path,
        "the run is scored against a reference of SHA-256 \(old), asked for \(new) "
          + "('\(asked.scoring.reference)'); 'dis-eval merge --ref' scores it against another")
    }
    if asked.count > record.count {
      record.counts.append(asked.count)
      try AtomicFile.write(try encodedJSON(record), to: recordPath)
    }
    return try RunDirectory(path: path, record: record, claims: claims)
  }

  private static let recordClaim = 0

  /// Refuses a folder that has other files than those of a run and no `run.json`.
  private static func checkIsOurs(_ path: String) throws(Failure) {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue,
      !FileManager.default.fileExists(atPath: RunRecord.path(in: path))
    else { return }
    // Another process may begin the run at this moment.
    let others = try Folder(path: path).names.map { String(decoding: $0, as: UTF8.self) }
      .filter { $0 != "units" && !UnitFileName.isOfRecord($0) }
    guard others.isEmpty else {
      throw Failure(
        .cannotCreate, .notEmpty, path,
        "the folder is not one of a run and has \(others.count) other entries; give a new or an empty "
          + "one")
    }
  }
}

// MARK: - Units

extension RunDirectory {
  /// Claims a unit for this process: false if somebody has it.
  func claim(_ unit: UnitRange) throws -> Bool { try claims?.claim(1 + unit.first) ?? false }

  /// Gives a unit back.
  func release(_ unit: UnitRange) { claims?.release(1 + unit.first) }

  /// Whether there is a file of that unit.
  func isFinished(_ unit: UnitRange) -> Bool {
    FileManager.default.fileExists(atPath: file(unit))
  }

  /// Reads a finished unit.
  ///
  /// - Throws: `Failure` `UnitDamaged`; `NotFound` when it is not there.
  package func read(_ unit: UnitRange) throws -> UnitContent {
    try UnitContent.read(
      file(unit), first: unit.first, count: unit.count, kept: record.configuration.kept,
      configuration: configuration
    ).content
  }

  /// Gives a unit its file. One that somebody else has made meanwhile must be the same.
  ///
  /// - Throws: `Failure` `UnitDiffers` (70): the same settings gave other bytes.
  package func commit(_ content: UnitContent, as unit: UnitRange) throws {
    let bytes = content.encoded(configuration: configuration)
    var file = try AtomicFile(path: file(unit))
    try file.write(bytes)
    if try !file.commitIfNew() {
      let existing = try ReadableFile(path: self.file(unit))
      guard try existing.bytes(at: 0, count: existing.size) == bytes else {
        throw Failure(
          .internalError, .unitDiffers, self.file(unit),
          "another process made other bytes of the same samples; one of the two machines errs")
      }
    }
    unlink(partialFile(unit))
  }

  /// Those of `units` that are not there. One that cannot be read is removed, to be made again.
  package func missing(_ units: [UnitRange], reporter: Reporter) throws -> [UnitRange] {
    try units.filter { unit in
      guard isFinished(unit) else { return true }
      do {
        _ = try read(unit)
        return false
      } catch let failure as Failure where failure.code == .unitDamaged {
        reporter.warn("\(failure); it is made again")
        unlink(file(unit))
        return true
      }
    }
  }

  /// Saves an unfinished unit: the samples that are done, and how far the next one is.
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

  /// What was saved of an unfinished unit, nil if nothing was or it cannot be used.
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

  /// Removes what processes that were killed have left: temporary files of ours, and states of units
  /// that are finished. What somebody works on stays, and whatever has a name that we do not give.
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

  /// Removes the files of a run, and its folder unless there is something else in it.
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
