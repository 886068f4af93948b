import Checkpoints
import Diffusion
import Files
import Images
import Results
import Sampling
import Synchronization
import Tensors
import Work

#if canImport(Glibc)
  import Glibc
#endif

/// A program that makes samples, running as one or more processes. Sample `i` depends only on the
/// request and `i`, to the extent that the program promises it.
///
/// The protocol is described in docs/generators.md.
public final class GeneratorProgram: Sendable {
  /// What the program said about itself, and what it is asked for.
  public let provenance: GeneratorProvenance
  /// The decoder that converts its latents to images; nil if it makes images.
  public let decoder: LoadedDecoder?

  private let labels: LabelPolicy
  private let quantizer: Quantizer
  /// The extents of the noise that is sent, `[C, H, W]`; nil if none is.
  private let noise: [Int]?
  private let processes: [GeneratorProcess]
  private let places: Slots
  /// What was made to measure the time, until it is needed.
  private let early = Mutex<[Range<Int>: Early]>([:])

  /// Samples that were made to measure the time.
  private struct Early {
    let samples: [GeneratedSample]
    let seconds: Double
  }

  /// Starts a program and waits until it is ready.
  ///
  /// - Parameters:
  ///   - request: The command and what it is asked for. **It is run**: never pass a command that was
  ///     read from a document.
  ///   - count: The number of processes, for example one for each GPU.
  ///   - timeout: The longest time until the program answers.
  ///   - reporter: Receives what the program prints.
  /// - Throws: `Failure` (69) `GeneratorNotStarted`, `GeneratorStopped` or `GeneratorTimeout` if it does
  ///   not become ready; (65) `GeneratorAnswer` if its answer is not valid, `SettingNotConfirmed`,
  ///   `DecoderMismatch`, `OtherGenerator` if its processes differ; (64) `PixelModel` if a decoder is
  ///   given and not needed, `UnconditionalModel` if labels are requested of a model without classes,
  ///   `InvalidCommand` or `SettingOutOfRange`; `LatentModel` (69) if a decoder is needed; or the error
  ///   that loading the labels or the decoder throws.
  public init(
    _ request: GeneratorRequest, processes count: Int = 1, timeout: Duration = .seconds(3600),
    reporter: Reporter = .silent
  ) throws {
    guard (1...1024).contains(count) else {
      throw Failure.outOfRange("generatorCount", count, "1 to 1024")
    }
    guard timeout > .zero else {
      throw Failure.outOfRange("generatorTimeout", timeout, "more than 0 seconds")
    }
    guard let program = request.command.first, !program.isEmpty else {
      throw Failure(
        .usage, .invalidCommand, "", "there is no program; expected a program and its arguments")
    }
    labels = try LabelPolicy(request.labels)
    guard let quantizer = Quantizer(rawValue: request.quantizer) else {
      throw Failure(
        .dataRefused, .requestInvalid, "quantizer \(request.quantizer)",
        "this version does not know it")
    }
    self.quantizer = quantizer
    decoder = try request.decoder.map(LoadedDecoder.init)
    processes = (0..<count).map { number in
      let name = count == 1 ? "generator" : "generator \(number)"
      return GeneratorProcess(
        request.command,
        hello: HelloMessage(
          seed: request.seed, stream: RandomStream.name, settings: request.settings,
          process: number, processes: count), timeout: timeout,
        log: { reporter.note("\(name): \(escaped($0))") }, note: { reporter.warn(escaped($0)) })
    }
    // Each has one request to work on and the next one waiting.
    places = Slots(2 * count)
    let running = processes
    do {
      // All of them load their weights at the same time.
      for process in running { try process.start() }
      let ready = try Self.ready(running, request)
      noise = ready.noise
      provenance = GeneratorProvenance(
        ready, request, labels: labels, quantizer: decoder.map { _ in quantizer })
      try labels.check(classes: ready.classes, of: "the generator")
      try Self.check(decoder, ready, request)
    } catch {
      for process in running { process.signal(SIGTERM) }
      for process in running { process.waitForEnd(seconds: 5) }
      throw error
    }
  }

  deinit { for process in processes { process.end() } }

  /// Waits for all processes, which must say the same about themselves.
  private static func ready(
    _ processes: [GeneratorProcess], _ request: GeneratorRequest
  ) throws(Failure) -> ReadyMessage {
    let first = try processes[0].ready()
    for process in processes.dropFirst() {
      if let key = first.differs(from: try process.ready()) {
        throw Failure(
          .dataRefused, .otherGenerator, commandText(request.command),
          "'\(key)' of the messages 'ready' of its processes is different")
      }
    }
    for (key, asked) in request.settings.sorted(by: { $0.key < $1.key }) {
      guard let found = first.settings?[key], found.isSame(as: asked) else {
        throw Failure(
          .dataRefused, .settingNotConfirmed, commandText(request.command),
          "it was asked for the setting '\(key)' = \(asked.text), and its message 'ready' has "
            + "\(first.settings?[key]?.text ?? "no such setting"); leave the option out, or give it "
            + "to the generator in its own command")
      }
    }
    return first
  }

  private static func check(
    _ decoder: LoadedDecoder?, _ ready: ReadyMessage, _ request: GeneratorRequest
  ) throws(Failure) {
    let subject = commandText(request.command)
    guard let latent = ready.latent else {
      guard decoder == nil else {
        throw Failure(
          .usage, .pixelModel, "`decoder`", "the generator makes images, which need no decoder")
      }
      return
    }
    guard let decoder else {
      throw Failure(
        .unavailable, .latentModel, subject,
        "the generator makes latents \(latent); give the decoder that its model was trained with, "
          + "`decoder` FILE")
    }
    guard decoder.latentChannels == latent[0] else {
      throw Failure(
        .dataRefused, .decoderMismatch, decoder.provenance.file,
        "takes latents of \(decoder.latentChannels) channels, but the generator makes \(latent[0])")
    }
    try decoder.checkMemory(latentSide: max(latent[1], latent[2]))
  }
}

// MARK: - Samples

/// A sample as a program made it.
package enum GeneratedSample: Sendable {
  case image(Image)
  /// A latent, `[C, H, W]`.
  case latent(Tensor)
}

extension GeneratorProgram {
  /// The number of processes.
  package var processCount: Int { processes.count }

  /// The extents of the images, `[H, W, C]`.
  package var imageExtents: [Int] {
    if let image = provenance.image { return image }
    let (latent, scale) = (provenance.latent ?? [], decoder?.pixelsPerLatent ?? 1)
    return [latent[1] * scale, latent[2] * scale, decoder?.imageChannels ?? 3]
  }

  /// Checks that labels cover the first samples.
  ///
  /// - Throws: `Failure` `TooFewLabels` (65) if there are fewer than `count`.
  package func checkCovers(_ count: Int) throws(Failure) { try labels.checkCovers(count) }

  /// Returns how many of the first samples are of each class, and how many of none; nil for a model
  /// without classes.
  package func labelCounts(first count: Int) -> (counts: [Int], unlabelled: Int)? {
    provenance.classes.map { labels.counts(first: count, of: $0, seed: provenance.seed) }
  }

  /// Returns the class of a sample; nil for a model without classes.
  ///
  /// - Parameter index: The index of the sample, from 0. Labels from a file must include it.
  package func label(_ index: Int) -> Int? {
    provenance.classes.map { labels.label(index, of: $0, seed: provenance.seed) }
  }

  /// Returns samples as the parts that are asked for at once. Where the parts begin depends on `range`
  /// alone, so that a sample is made together with the same others every time.
  package func parts(of range: Range<Int>) -> [Range<Int>] {
    stride(from: range.lowerBound, to: range.upperBound, by: provenance.batch).map {
      $0..<min($0 + provenance.batch, range.upperBound)
    }
  }

  /// Returns samples, as soon as a process is free and has made them.
  ///
  /// - Parameter range: The indices, at most as many as the program wants at once.
  /// - Throws: `Failure` (65) `GeneratorAnswer` if the answer is not valid, `NotFinite` if a latent has
  ///   NaN or infinity; (69) `GeneratorStopped` or `GeneratorTimeout` if there is none;
  ///   `CancellationError` if the task is cancelled.
  package func samples(_ range: Range<Int>) async throws -> [GeneratedSample] {
    if let known = early.withLock({ $0.removeValue(forKey: range) }) { return known.samples }
    return try await places.use { place in
      let request = request(for: range)
      let extents = provenance.image ?? provenance.latent ?? []
      let type: ScalarType = provenance.image == nil ? .float32 : .uint8
      let made = try await processes[place % processes.count].make(
        request, expecting: [range.count] + extents, type)
      return try samples(in: made, request)
    }
  }

  /// Makes samples and measures the time. They are not made again when they are needed.
  ///
  /// - Returns: The time in seconds.
  package func time(_ range: Range<Int>) async throws -> Double {
    if let known = early.withLock({ $0[range] }) { return known.seconds }
    let begin = ContinuousClock.now
    let samples = try await samples(range)
    let made = Early(samples: samples, seconds: (ContinuousClock.now - begin) / .seconds(1))
    early.withLock { $0[range] = made }
    return made.seconds
  }

  private func request(for range: Range<Int>) -> GeneratorProcess.Request {
    let streams = range.map { RandomStream(seed: provenance.seed, index: UInt64($0)) }
    return GeneratorProcess.Request(
      range: range, labels: provenance.classes.map { _ in range.map { label($0) ?? 0 } },
      keys: streams.map(\.programKey),
      noise: noise.map { extents in
        NPYArray(
          floats: streams.flatMap { $0.normals(.initialNoise, count: extents.reduce(1, *)) },
          shape: [range.count] + extents)
      })
  }

  private func samples(
    in array: NPYArray, _ request: GeneratorProcess.Request
  ) throws(Failure) -> [GeneratedSample] {
    let (extents, count) = (Array(array.shape.dropFirst()), array.shape[0])
    let size = extents.reduce(1, *)
    guard array.type == .uint8 else {
      let values = array.floats()
      if let wrong = values.firstIndex(where: { !$0.isFinite }) {
        throw Failure(
          .dataRefused, .notFinite, provenance.name,
          "sample \(request.range.lowerBound + wrong / size) has values that are not finite")
      }
      return (0..<count).map {
        .latent(Tensor(shape: extents, values: Array(values[$0 * size..<($0 + 1) * size])))
      }
    }
    return (0..<count).map {
      .image(
        Image(
          width: extents[1], height: extents[0], channels: extents[2],
          pixels: Array(array.bytes[$0 * size..<($0 + 1) * size])))
    }
  }

  /// Returns a sample as an image. A latent is decoded.
  ///
  /// - Parameters:
  ///   - sample: The sample.
  ///   - index: The index of the sample, for messages.
  /// - Throws: `Failure` `NotFinite` (65) if the decoder produced NaN or infinity.
  package func image(_ sample: GeneratedSample, index: Int) throws(Failure) -> Image {
    switch sample {
    case .image(let image): return image
    case .latent(let latent):
      guard let decoder else { preconditionFailure("latents have a decoder") }
      let decoded = decoder(latent)
      guard decoded.values.allSatisfy(\.isFinite) else {
        throw decoder.notFinite(sample: index)
      }
      return Image(decoded, by: quantizer)
    }
  }
}

extension GeneratorProgram {
  /// Ends all programs, before this process ends: by SIGTERM, and after some seconds by SIGKILL.
  ///
  /// - Parameter seconds: The time until SIGKILL; 0 for SIGKILL alone.
  package static func endAll(within seconds: Double) { GeneratorProcess.endAll(within: seconds) }
}

extension GeneratorProvenance {
  /// Creates the record of a program.
  fileprivate init(
    _ ready: ReadyMessage, _ request: GeneratorRequest, labels: LabelPolicy, quantizer: Quantizer?
  ) {
    self.init(
      command: request.command, name: ready.name, version: ready.version, device: ready.device,
      weightsSha256: ready.weightsSha256, classes: ready.classes, image: ready.image,
      latent: ready.latent, networkEvaluations: ready.networkEvaluations, differs: ready.differs,
      batch: ready.batch ?? GeneratorProtocol.usualBatch, settings: ready.settings ?? [:],
      requestedSettings: request.settings, seed: request.seed,
      stream: ready.stream ?? (ready.noise == nil ? "keys of \(ready.name)" : RandomStream.name),
      labels: labels.description, labelsSha256: labels.sha256, quantizer: quantizer?.rawValue)
  }
}

extension JSONValue {
  /// Returns whether a value is the same, whatever the form of a number.
  fileprivate func isSame(as other: JSONValue) -> Bool {
    switch (self, other) {
    case (.array(let values), .array(let others)):
      values.count == others.count && zip(values, others).allSatisfy { $0.isSame(as: $1) }
    default:
      self == other || (number != nil && number == other.number)
    }
  }

  private var number: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .natural(let value): Double(value)
    case .number(let value): value
    default: nil
    }
  }

  /// The value as JSON, for messages.
  fileprivate var text: String {
    (try? compactJSON(self)).map { String(decoding: $0, as: UTF8.self) } ?? shown
  }
}
