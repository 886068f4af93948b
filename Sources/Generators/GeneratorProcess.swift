import Checkpoints
import Crypto
import Files
import Foundation
import Results
import Synchronization

/// One process of a generator. It is started again if it ends by itself.
///
/// Requests run one after the other on a queue of its own, because they wait for the process.
final class GeneratorProcess: Sendable {
  private let command: [String]
  private let hello: HelloMessage
  private let timeout: Duration
  private let log: @Sendable (String) -> Void
  private let note: @Sendable (String) -> Void
  private let queue: DispatchQueue
  private let conversation = Mutex(Conversation())
  /// The process, for signals while a request waits for it.
  private let child = Mutex<ChildProcess?>(nil)
  private let isEnding = Atomic(false)

  private struct Conversation {
    var reader: AnswerReader?
    var ready: ReadyMessage?
    /// The number of times that the process ended since its last frame.
    var endsWithoutFrame = 0
    /// Why it is of no more use. Whoever asks next learns it too, so that it does not matter who is
    /// heard first.
    var failure: Failure?
  }

  /// A request for samples.
  struct Request: Sendable {
    let range: Range<Int>
    let labels: [Int]?
    let keys: [UInt64]
    /// x_T, `[count, C, H, W]`.
    let noise: NPYArray?

    /// The samples, for messages.
    var name: String {
      range.count == 1
        ? "sample \(range.lowerBound)" : "samples \(range.lowerBound) to \(range.upperBound - 1)"
    }
  }

  /// The number of times that a process may end without a frame in between.
  static let maximumEnds = 3

  /// - Parameters:
  ///   - command: The words of the command.
  ///   - hello: The first message, with the number of the process.
  ///   - timeout: The longest time until an answer.
  ///   - log: Receives what the process prints.
  ///   - note: Receives a line when it is started again.
  init(
    _ command: [String], hello: HelloMessage, timeout: Duration,
    log: @escaping @Sendable (String) -> Void, note: @escaping @Sendable (String) -> Void
  ) {
    (self.command, self.hello, self.timeout) = (command, hello, timeout)
    (self.log, self.note) = (log, note)
    queue = DispatchQueue(label: "dis-eval.generator.\(hello.process)")
    Self.all.withLock { all in all = all.filter { $0.process != nil } + [Weak(process: self)] }
  }

  private var subject: String { commandText(command) }

  // MARK: Requests

  /// Starts the process, without waiting for an answer.
  func start() throws(Failure) {
    try conversation.withLock { conversation throws(Failure) in try begin(&conversation) }
  }

  /// Returns what the process says about itself, as soon as it says it.
  func ready() throws(Failure) -> ReadyMessage {
    try conversation.withLock { conversation throws(Failure) in
      while true {
        do throws(Trouble) {
          return try introduce(&conversation)
        } catch {
          Self.waitIfLast()
          try recover(from: error, "the message 'hello'", &conversation)
        }
      }
    }
  }

  /// Returns the array of a frame, whose shape begins with the number of samples.
  ///
  /// - Throws: `Failure` `GeneratorAnswer` (65) if the answer is not valid, `GeneratorStopped` or
  ///   `GeneratorTimeout` (69) if there is none; `CancellationError` if the task is cancelled or
  ///   ``end()`` was called.
  func make(_ request: Request, expecting shape: [Int], _ type: ScalarType) async throws -> NPYArray
  {
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        queue.async {
          continuation.resume(with: Result { try self.made(request, shape, type) })
        }
      }
    } onCancel: {
      isEnding.store(true, ordering: .relaxed)
      child.withLock { $0 }?.signal(SIGTERM)
    }
  }

  /// Ends the process.
  func end() {
    isEnding.store(true, ordering: .relaxed)
    guard let child = child.withLock({ $0 }) else { return }
    if let line = try? Self.line(StopMessage()) {
      try? write(line, to: child.requests, by: .now + .seconds(1))
    }
    child.end()
  }

  /// Passes a signal on to the process.
  func signal(_ number: Int32) {
    isEnding.store(true, ordering: .relaxed)
    child.withLock { $0 }?.signal(number)
  }

  /// Waits for the end of the process, and then forces it.
  func waitForEnd(seconds: Double) {
    guard let child = child.withLock({ $0 }), !child.wait(seconds: seconds) else { return }
    child.signal(SIGKILL)
    _ = child.wait(seconds: seconds)
  }

  private func made(_ request: Request, _ shape: [Int], _ type: ScalarType) throws -> NPYArray {
    try conversation.withLock { conversation in
      if let failure = conversation.failure { throw failure }
      while true {
        try checkEnding()
        do throws(Trouble) {
          _ = try introduce(&conversation)
          let array = try frame(request, shape, type, &conversation)
          conversation.endsWithoutFrame = 0
          return array
        } catch {
          try checkEnding()
          try recover(from: error, request.name, &conversation)
        }
      }
    }
  }

  private func checkEnding() throws {
    Self.waitIfLast()
    if isEnding.load(ordering: .relaxed) { throw CancellationError() }
  }

  // MARK: The end of all processes

  /// A process that may have ended.
  private struct Weak: Sendable {
    weak var process: GeneratorProcess?
  }
  private static let all = Mutex<[Weak]>([])
  /// Whether this whole process is about to end. Nothing that happens from then on matters.
  private static let isLast = Atomic(false)

  /// Waits for the end of this process if it is near. Otherwise an error would be reported, although a
  /// signal is the reason.
  private static func waitIfLast() {
    while isLast.load(ordering: .relaxed) { Thread.sleep(forTimeInterval: 1) }
  }

  /// Ends all processes, before this process ends: by SIGTERM, and after some seconds by SIGKILL.
  static func endAll(within seconds: Double) {
    isLast.store(true, ordering: .relaxed)
    let processes = all.withLock { $0.compactMap(\.process) }
    for process in processes { process.signal(seconds > 0 ? SIGTERM : SIGKILL) }
    for process in processes { process.waitForEnd(seconds: seconds) }
  }

  // MARK: Conversation

  /// What went wrong in a conversation.
  private enum Trouble: Error {
    /// The process ended; it may be started again.
    case ended
    case failure(Failure)
  }

  /// Starts the process and greets it.
  private func begin(_ conversation: inout Conversation) throws(Failure) {
    // Whoever ends all processes waits for one that is being started, and none is started afterwards.
    let started = try child.withLock { child throws(Failure) -> ChildProcess? in
      guard !Self.isLast.load(ordering: .relaxed) else { return nil }
      child = try ChildProcess(
        command,
        environment: [
          "DIS_EVAL_FRAMES": "\(ChildProcess.answersNumber)",
          "DIS_EVAL_GENERATOR_INDEX": "\(hello.process)",
          "DIS_EVAL_GENERATOR_COUNT": "\(hello.processes)",
        ], log: log)
      return child
    }
    Self.waitIfLast()
    guard let process = started else { return }
    conversation.reader = AnswerReader(process.answers)
    // Of a process that does not read it, the answer is missing.
    if let line = try? Self.line(hello) {
      try? write(line, to: process.requests, by: .now + timeout)
    }
  }

  /// Starts the process again if it has ended, as often as possible.
  private func recover(
    from trouble: Trouble, _ asked: String, _ conversation: inout Conversation
  ) throws(Failure) {
    let child = child.withLock { $0 }
    func fail(_ failure: Failure) -> Failure {
      child?.signal(SIGKILL)
      conversation.failure = failure
      return failure
    }
    switch trouble {
    case .failure(let failure): throw fail(failure)
    case .ended:
      // One that closed the descriptor but goes on is of no use.
      if let child, !child.wait(seconds: 2) { child.signal(SIGKILL) }
      let epitaph = child?.epitaph ?? "ended"
      conversation.endsWithoutFrame += 1
      guard conversation.endsWithoutFrame < Self.maximumEnds else {
        throw fail(
          Failure(
            .unavailable, .generatorStopped, subject,
            "asked for \(asked), it \(epitaph). It ended \(Self.maximumEnds) times without a sample"
          ))
      }
      note("the generator \(epitaph); it is started again")
      try begin(&conversation)
    }
  }

  /// Returns what the process says about itself, which must be the same every time.
  private func introduce(_ conversation: inout Conversation) throws(Trouble) -> ReadyMessage {
    // Only the first answer of a process is about itself.
    if let ready = conversation.ready, conversation.reader?.isIntroduced == true { return ready }
    let line = try answer("ready", to: "the message 'hello'", &conversation)
    let ready: ReadyMessage
    do throws(Failure) {
      ready = try decodedJSON(
        Data(line), subject: subject, what: "message 'ready'", code: .generatorAnswer)
    } catch {
      throw .failure(error)
    }
    if let problem = ready.problem {
      throw .failure(wrong("the message 'hello'", "'ready': \(problem)"))
    }
    if let first = conversation.ready, let key = first.differs(from: ready) {
      throw .failure(
        Failure(
          .dataRefused, .otherGenerator, subject,
          "after it was started again, '\(key)' of its message 'ready' is different"))
    }
    conversation.reader?.isIntroduced = true
    conversation.ready = conversation.ready ?? ready
    return ready
  }

  private func frame(
    _ request: Request, _ shape: [Int], _ type: ScalarType, _ conversation: inout Conversation
  ) throws(Trouble) -> NPYArray {
    let noise = request.noise?.serialized()
    guard let child = child.withLock({ $0 }),
      let line = try? Self.line(
        MakeMessage(
          first: request.range.lowerBound, count: request.range.count, labels: request.labels,
          keys: request.keys.map { zeroPadded(String($0, radix: 16), to: 16) },
          noise: noise.map {
            MakeMessage.Content(
              bytes: $0.count, sha256: hexadecimal(SHA256.hash(data: $0)))
          }))
    else { throw .ended }
    do throws(AnswerReader.Problem) {
      try write(line + (noise ?? []), to: child.requests, by: .now + timeout)
    } catch {
      // What it answered before it stopped reading says why.
      if error == .timeout { throw .failure(late(request.name)) }
    }
    let text = try answer("frame", to: request.name, &conversation)
    let frame: FrameMessage
    do throws(Failure) {
      frame = try decodedJSON(
        Data(text), subject: subject, what: "message 'frame'", code: .generatorAnswer)
    } catch {
      throw .failure(wrong(request.name, error.detail))
    }
    guard frame.first == request.range.lowerBound, frame.count == request.range.count else {
      throw .failure(
        wrong(
          request.name,
          "a frame of \(frame.count) samples from \(frame.first), expected "
            + "\(request.range.count) from \(request.range.lowerBound)"))
    }
    let size = shape.reduce(type.size, *)
    guard (size...size + NPYArray.maximumHeader).contains(frame.bytes) else {
      throw .failure(
        wrong(
          request.name,
          "a frame of \(frame.bytes) bytes, expected a .npy array of \(type) "
            + "\(shape), which has \(size) bytes and a header"))
    }
    let bytes = try read(request.name, &conversation) {
      reader, deadline throws(AnswerReader.Problem) in
      try reader.bytes(frame.bytes, by: deadline)
    }
    guard hexadecimal(SHA256.hash(data: bytes)) == frame.sha256 else {
      throw .failure(
        wrong(
          request.name,
          "bytes with SHA-256 \(hexadecimal(SHA256.hash(data: bytes))), expected "
            + frame.sha256))
    }
    let array: NPYArray
    do throws(Failure) {
      array = try NPYArray.parse(bytes, subject: "frame")
    } catch {
      throw .failure(wrong(request.name, "a frame that is no .npy array: \(error.detail)"))
    }
    guard array.type == type, array.shape == shape else {
      throw .failure(
        wrong(request.name, "\(array.type) \(array.shape), expected \(type) \(shape)"))
    }
    return array
  }

  /// Returns the next line of an answer, which must be of a type.
  private func answer(
    _ type: String, to asked: String, _ conversation: inout Conversation
  ) throws(Trouble) -> [UInt8] {
    let line = try read(asked, &conversation) { reader, deadline throws(AnswerReader.Problem) in
      try reader.line(by: deadline)
    }
    struct Typed: Decodable {
      let type: String
      let message: String?
    }
    guard let found = try? JSONDecoder().decode(Typed.self, from: Data(line)) else {
      throw .failure(
        wrong(
          asked,
          "found '\(String(decoding: line.prefix(80), as: UTF8.self))' on descriptor "
            + "\(ChildProcess.answersNumber), expected a line of JSON with the type '\(type)'"))
    }
    if found.type == "error" {
      throw .failure(
        Failure(
          .unavailable, .generatorStopped, subject,
          "asked for \(asked), it reports: \(found.message ?? "an error without a message")"))
    }
    guard found.type == type else {
      throw .failure(wrong(asked, "a message of the type '\(found.type)', expected '\(type)'"))
    }
    return line
  }

  private func read<Value>(
    _ asked: String, _ conversation: inout Conversation,
    _ body: (inout AnswerReader, ContinuousClock.Instant) throws(AnswerReader.Problem) -> Value
  ) throws(Trouble) -> Value {
    guard var reader = conversation.reader else { throw .ended }
    defer { conversation.reader = reader }
    do throws(AnswerReader.Problem) {
      return try body(&reader, .now + timeout)
    } catch {
      switch error {
      case .ended: throw .ended
      case .timeout: throw .failure(late(asked))
      case .lineTooLong:
        throw .failure(
          wrong(asked, "a line of more than \(GeneratorProtocol.maximumLine) bytes"))
      case .system(let number):
        throw .failure(Failure.system(number, "read the answers of", subject, writing: false))
      }
    }
  }

  private func wrong(_ asked: String, _ detail: String) -> Failure {
    Failure(.dataRefused, .generatorAnswer, subject, "asked for \(asked): \(detail)")
  }

  private func late(_ asked: String) -> Failure {
    Failure(
      .unavailable, .generatorTimeout, subject,
      "asked for \(asked), it did not answer within \(timeout / .seconds(1)) seconds; raise "
        + "`generatorTimeout` if it needs longer")
  }

  private static func line(_ message: some Encodable) throws -> [UInt8] {
    Array(try compactJSON(message)) + [UInt8(ascii: "\n")]
  }
}

extension ReadyMessage {
  /// Returns the key in which another message differs, other than that of the device; nil if there is
  /// none.
  func differs(from other: ReadyMessage) -> String? {
    let comparisons: [(key: String, isSame: Bool)] = [
      ("name", name == other.name), ("version", version == other.version),
      ("weights_sha256", weightsSha256 == other.weightsSha256),
      ("image", image == other.image), ("latent", latent == other.latent),
      ("classes", classes == other.classes), ("differs", differs == other.differs),
      ("batch", batch == other.batch), ("noise", noise == other.noise),
      ("stream", stream == other.stream), ("settings", settings == other.settings),
      ("network_evaluations", networkEvaluations == other.networkEvaluations),
    ]
    return comparisons.first { !$0.isSame }?.key
  }
}
