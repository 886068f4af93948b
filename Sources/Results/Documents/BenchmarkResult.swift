import Files
import Foundation

/// How fast this machine runs the networks and the distance, beside what its registers can do.
///
/// Networks have made-up weights of their true shapes: speed does not depend on the values.
public struct BenchmarkResult: Codable, Sendable {
  /// Name and version of this form.
  public var schema = "dis-eval-benchmark/2"
  /// Instruction set and library.
  public var kernels: String
  /// Workers, each with its own images.
  public var threads: Int
  /// In the order asked for.
  public var measurements: [Measurement]

  package init(
    kernels: String, threads: Int, measurements: [Measurement]
  ) {
    self.kernels = kernels
    self.threads = threads
    self.measurements = measurements
  }

  /// The speed of one piece of work.
  public struct Measurement: Codable, Sendable {
    /// The name of the work, such as `inception`.
    public var name: String
    /// What is counted: images, forwards, products or distances.
    public var unit: String
    /// Per second, over all workers.
    public var perSecond: Double
    /// Billions of operations of one, a multiply-add counted as two: those of the definition, of
    /// which a method may make fewer. Convolutions and matrix products only.
    public var gigaOperations: Double?
    /// Billions of operations per second of multiply-adds on registers by all workers, the better of
    /// before and after.
    public var peakGflops: Double

    package init(
      name: String, unit: String, perSecond: Double, gigaOperations: Double?, peakGflops: Double
    ) {
      self.name = name
      self.unit = unit
      self.perSecond = perSecond
      self.gigaOperations = gigaOperations
      self.peakGflops = peakGflops
    }

    /// Operations per second of the definition over what registers can do.
    public var shareOfPeak: Double? { gigaOperations.map { $0 * perSecond / peakGflops } }
  }

  /// Reads a benchmark that was written as JSON.
  ///
  /// - Throws: ``Failure`` `NoMeasurement` (65), or that of reading.
  public init(contentsOf path: String) throws(Failure) {
    let file = try ReadableFile(path: path)
    guard file.size < 1 << 20 else {
      throw Failure(
        .dataRefused, .noMeasurement, path, "\(file.size) bytes are more than measurements have")
    }
    self = try decodedJSON(
      Data(try file.bytes(at: 0, count: file.size)), subject: path,
      what: "result of 'dis-eval bench --json'", code: .noMeasurement)
    guard schema.hasPrefix("dis-eval-benchmark/") else {
      throw Failure(
        .dataRefused, .noMeasurement, path, "is not a result of 'dis-eval bench --json'")
    }
  }

  /// The document as JSON.
  public func json() throws -> [UInt8] { try encodedJSON(self) }
}
