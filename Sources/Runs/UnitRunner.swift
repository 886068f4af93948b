import Diffusion
import FeatureExtractors
import Features
import Files
import Generators
import Images
import Results
import Sampling
import Synchronization
import Work

/// Makes the missing units of a run on all workers, alongside any number of other processes.
package final class UnitRunner: Sendable {
  private let directory: RunDirectory
  private let source: SampleSource
  private let extractor: any FeatureExtractor
  private let preparations: [Preparation]
  private let saveInterval: Duration
  private let reporter: Reporter

  /// The progress of a unit that is being made.
  private struct Unfinished: Sendable {
    var content: UnitContent
    var sampling: SamplingState?
  }
  private let unfinished = Mutex<[UnitRange: Unfinished]>([:])
  /// Whether the run was stopped; locked while a file is written, so that no file is left
  /// incomplete.
  private let isStopped = Mutex(false)

  /// Creates a runner of the units of a run.
  ///
  /// - Parameters:
  ///   - directory: The run.
  ///   - source: What makes the samples.
  ///   - extractor: The extractor of the features.
  ///   - saveInterval: The longest time after which a unit's progress is saved.
  ///   - reporter: Receives progress and warnings.
  package init(
    _ directory: RunDirectory, source: SampleSource, extractor: any FeatureExtractor,
    saveInterval: Duration, reporter: Reporter
  ) {
    self.directory = directory
    self.saveInterval = saveInterval
    self.source = source
    self.extractor = extractor
    preparations = directory.record.configuration.kept.preparations
      .compactMap { Preparation(name: $0) }
    self.reporter = reporter
  }

  /// Makes the missing units, and waits for those that other processes make. If one fails, the state of the others
  /// that are being made is saved.
  ///
  /// - Parameters:
  ///   - missing: The units of `units` that do not exist.
  ///   - units: All units of the process, of which the missing ones are made.
  ///   - threads: The number of workers, each of which makes its own unit.
  /// - Throws: `Failure` (65) `NotFinite` with the indices of the samples, or `ConstantImage` if all samples of a unit
  ///   are of one colour,
  ///   `UnitDiffers` (70), `Interrupted` (75) after ``stop()``, or the error that writing a file
  ///   throws.
  package func make(_ missing: [UnitRange], of units: [UnitRange], threads: Int) async throws {
    try directory.sweep()
    let queue = Queue(missing, all: units, reporter: reporter)
    // While a program makes samples, others wait for it and the features of more are extracted.
    let (cores, workers) =
      switch source {
      case .checkpoint: (Slots(threads), threads)
      case .program(let program): (Slots(threads), threads + 3 * program.processCount)
      }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<min(workers, missing.count) {
        group.addTask { try await self.work(on: queue, cores) }
      }
      // The first failure ends the others, which `waitForAll` would let make all samples first.
      for try await _ in group {}
    }
    try directory.sweep()
  }

  /// Saves the state of all units that are being made. Nothing is written afterwards.
  ///
  /// - Throws: `Failure` `CannotCreate` (73) if a file cannot be created, or `DiskFull` or
  ///   `InputOutput` (74) if writing fails.
  package func stop() throws {
    try isStopped.withLock { isStopped in
      isStopped = true
      for (unit, state) in unfinished.withLock({ $0 }) {
        try directory.save(state.content, state.sampling, as: unit)
      }
    }
  }

  private func work(on queue: Queue, _ cores: Slots) async throws {
    while let unit = queue.next() {
      try Task.checkCancellation()
      guard try directory.claim(unit) else {
        // A different process makes it. If that process dies, the claim is released.
        queue.postpone(unit)
        if queue.isFirstWait() {
          reporter.note(
            "waiting for samples that \(holders(of: directory.claimPath)) makes in this run")
        }
        if queue.isWaiting { try await Task.sleep(for: .milliseconds(250)) }
        continue
      }
      defer { directory.release(unit) }
      if directory.isFinished(unit) {
        queue.report(unit.count)
        continue
      }
      switch source {
      case .checkpoint(let generator): try make(unit, by: generator, queue)
      case .program(let program): try await make(unit, by: program, queue, cores)
      }
    }
  }

  private func make(_ unit: UnitRange, by generator: Generator, _ queue: Queue) throws {
    let saved = directory.saved(unit)
    var content =
      saved?.content
      ?? UnitContent(first: unit.first, kept: directory.record.configuration.kept)
    // A state that this sampler cannot have produced is ignored.
    var sampling = saved?.sampling.flatMap { try? generator.resume($0) }
    queue.report(content.count)
    var lastSave = ContinuousClock.now
    defer { unfinished.withLock { $0[unit] = nil } }
    var bad = BadSamples(subject: generator.checkpoint.file)
    while content.count < unit.count {
      let index = unit.first + content.count
      var state = sampling ?? generator.start(index)
      sampling = nil
      while true {
        unfinished.withLock { $0[unit] = Unfinished(content: content, sampling: state) }
        if ContinuousClock.now - lastSave > saveInterval {
          try write { try directory.save(content, state, as: unit) }
          lastSave = .now
        }
        if Task.isCancelled { try save(content, state, as: unit) }
        if generator.isFinished(state) { break }
        generator.advance(&state, index)
      }
      let image = try bad.image(index, by: generator, from: state)
      content.append(
        image, label: generator.label(index), try ScoredImage(image, extractor, preparations))
      queue.report(1)
    }
    try bad.check()
    try write { try directory.commit(content, as: unit) }
  }

  /// Makes a unit of samples of a program, part by part.
  ///
  /// - Parameter cores: The places for work on this processor.
  private func make(
    _ unit: UnitRange, by program: GeneratorProgram, _ queue: Queue, _ cores: Slots
  ) async throws {
    let saved = directory.saved(unit)
    let parts = program.parts(of: unit.indices)
    var content =
      saved?.content
      ?? UnitContent(first: unit.first, kept: directory.record.configuration.kept)
    if !parts.contains(where: { $0.lowerBound == unit.first + content.count }) {
      content = UnitContent(first: unit.first, kept: directory.record.configuration.kept)
    }
    queue.report(content.count)
    var lastSave = ContinuousClock.now
    defer { unfinished.withLock { $0[unit] = nil } }
    var bad = BadSamples(subject: program.provenance.name)
    for part in parts where part.lowerBound >= unit.first + content.count {
      if Task.isCancelled { try save(content, nil, as: unit) }
      let samples = try await program.samples(part)
      let images = try await cores.use { _ in
        try zip(part, samples).map { try program.image($1, index: $0) }
      }
      let scored = try await ScoredImage.scoring(images, extractor, preparations, on: cores)
      for (index, (image, features)) in zip(part, zip(images, scored)) {
        bad.check(image, index)
        content.append(image, label: program.label(index), features)
      }
      queue.report(part.count)
      let known = Unfinished(content: content)
      unfinished.withLock { $0[unit] = known }
      if ContinuousClock.now - lastSave > saveInterval, content.count < unit.count {
        try write { try directory.save(content, nil, as: unit) }
        lastSave = .now
      }
    }
    try bad.check()
    try write { try directory.commit(content, as: unit) }
  }

  /// Saves the state of a unit when another unit has failed.
  ///
  /// - Throws: `CancellationError` after that, or the error that writing the file throws.
  private func save(
    _ content: UnitContent, _ state: SamplingState?, as unit: UnitRange
  ) throws -> Never {
    try write { try directory.save(content, state, as: unit) }
    throw CancellationError()
  }

  /// Writes a file unless the run was stopped.
  private func write(_ body: () throws -> Void) throws {
    try isStopped.withLock { isStopped in
      guard !isStopped else {
        throw Failure(
          .interrupted, .interrupted, directory.path,
          "stopped; finished work is kept, and the same command continues it")
      }
      try body()
    }
  }
}

/// The samples of a unit that must not be scored: those that are not finite, and those of one colour if there are at
/// least 16 and no others. A few of one colour are what an early checkpoint may draw.
private struct BadSamples {
  /// The checkpoint or the program.
  let subject: String
  private var notFinite: [Int] = []
  private var constant: [Int] = []
  /// The number of samples of one colour, with no others beside them, that cannot be chance.
  private static let enough = 16
  /// The number of finite samples.
  private var count = 0

  init(subject: String) { self.subject = subject }

  /// Records the index of an image that must not be scored.
  mutating func check(_ image: Image, _ index: Int) {
    count += 1
    if image.isConstant { constant.append(index) }
  }

  /// Returns the image of a finished sample; for NaN, records the index and returns a blank image.
  mutating func image(
    _ index: Int, by generator: Generator, from state: SamplingState
  ) throws -> Image {
    do {
      let image = try generator.image(try generator.sample(index, from: state), index: index)
      check(image, index)
      return image
    } catch let failure as Failure where failure.code == .notFinite {
      notFinite.append(index)
      let kept = generator.imageExtents
      return Image(
        width: kept[1], height: kept[0], channels: kept[2],
        pixels: [UInt8](repeating: 0, count: kept.reduce(1, *)))
    }
  }

  func check() throws(Failure) {
    func list(_ indices: [Int]) -> String { indices.map(String.init).joined(separator: ", ") }
    guard notFinite.isEmpty else {
      throw Failure(
        .dataRefused, .notFinite, subject,
        "values that are not finite in samples \(list(notFinite)); the model or the sampler "
          + "settings are at fault")
    }
    guard constant.count < max(count, Self.enough) else {
      throw Failure(
        .dataRefused, .constantImage, subject,
        "all pixels are the same in samples \(list(constant)); the model or the sampler "
          + "settings are at fault")
    }
  }
}

/// The units to be made, shared by the workers of a process.
private final class Queue: Sendable {
  private struct State {
    /// The units to try next, the next one last.
    var pending: [UnitRange]
    /// The units that a different process had claimed when they were tried.
    var postponed: [UnitRange] = []
    /// Whether it was said that only those are left.
    var hasWaited = false
    var done: Int
  }
  private let state: Mutex<State>
  private let total: Int
  private let doneBefore: Int
  private let reporter: Reporter

  init(_ missing: [UnitRange], all: [UnitRange], reporter: Reporter) {
    total = all.reduce(0) { $0 + $1.count }
    doneBefore = total - missing.reduce(0) { $0 + $1.count }
    state = Mutex(State(pending: missing.reversed(), done: doneBefore))
    self.reporter = reporter
  }

  /// Returns whether only units that other processes make are left, the first time that this is so.
  func isFirstWait() -> Bool {
    state.withLock { state in
      guard state.pending.isEmpty, !state.hasWaited else { return false }
      state.hasWaited = true
      return true
    }
  }

  /// Whether only units that other processes make are left.
  var isWaiting: Bool { state.withLock { $0.pending.isEmpty } }

  func next() -> UnitRange? {
    state.withLock { state in
      if state.pending.isEmpty {
        state.pending = state.postponed.reversed()
        state.postponed = []
      }
      return state.pending.popLast()
    }
  }

  func postpone(_ unit: UnitRange) { state.withLock { $0.postponed.append(unit) } }

  /// Counts samples that have been made, by this process or a different one.
  func report(_ count: Int) {
    let done = state.withLock { state in
      state.done += count
      return state.done
    }
    reporter.progress(
      WorkProgress(activity: "sampling", done: done, total: total, doneBefore: doneBefore))
  }
}
