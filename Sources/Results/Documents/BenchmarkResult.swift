import Files
import Foundation

/// The speed of the networks and of the Fréchet distance on this machine, next to the peak
/// throughput of its registers.
///
/// The networks have synthetic weights of the true shapes, because the speed does not depend on the
/// values.
public struct BenchmarkResult: Codable, Sendable {
  /// The name and version of the document format.
  public var schema = "dis-eval-benchmark/2"
  /// The instruction set and the library.
  public var kernels: String
  /// The number of workers; each processes its own images.
  public var threads: Int
  /// The measurements, in the order requested.
  public var measurements: [Measurement]

  /// Creates a result from its measurements.
  ///
  /// - Parameters:
  ///   - kernels: The instruction set and the library.
  ///   - threads: The number of workers; each processes its own images.
  ///   - measurements: The measurements, in the order requested.
  package init(
    kernels: String, threads: Int, measurements: [Measurement]
  ) {
    self.kernels = kernels
    self.threads = threads
    self.measurements = measurements
  }

  /// The speed of one kind of work.
  public struct Measurement: Codable, Sendable {
    /// The name of the work, such as `inception`.
    public var name: String
    /// The unit counted: images, forwards, products or distances.
    public var unit: String
    /// The number per second, over all workers.
    public var perSecond: Double
    /// Billions of operations of one unit, with a multiply-add counted as two. Counts convolutions
    /// and matrix products only, as defined; an implementation may perform fewer.
    public var gigaOperations: Double?
    /// Billions of operations per second of multiply-adds in registers, over all workers; the
    /// better of the measurements before and after.
    public var peakGflops: Double

    /// Creates a measurement from its properties.
    ///
    /// - Parameters:
    ///   - name: The name of the work, such as `inception`.
    ///   - unit: The unit counted: images, forwards, products or distances.
    ///   - perSecond: The number per second, over all workers.
    ///   - gigaOperations: Billions of operations of one unit, with a multiply-add counted as two.
    ///     Counts convolutions and matrix products only, as defined; an implementation may perform
    ///     fewer.
    ///   - peakGflops: Billions of operations per second of multiply-adds in registers, over all
    ///     workers; the better of the measurements before and after.
    package init(
      name: String, unit: String, perSecond: Double, gigaOperations: Double?, peakGflops: Double
    ) {
      self.name = name
      self.unit = unit
      self.perSecond = perSecond
      self.gigaOperations = gigaOperations
      self.peakGflops = peakGflops
    }

    /// The operations per second as defined, divided by the peak.
    public var shareOfPeak: Double? { gigaOperations.map { $0 * perSecond / peakGflops } }
  }

  /// Reads a benchmark result from JSON.
  ///
  /// - Throws: ``Failure`` `NoMeasurement` (65) if the file is too large or is not a benchmark
  ///   result, or the error that opening or reading the file throws.
  public init(contentsOf path: String) throws(Failure) {
    let file = try ReadableFile(path: path)
    guard file.size < 1 << 20 else {
      throw Failure(
        .dataRefused, .noMeasurement, path, "\(file.size) bytes are more than measurements have")
    }
    self = try decodedJSON(
      Data(try file.bytes(at: 0, count: file.size)), subject: path,
      what: "result of 'dis-eval bench `json`'", code: .noMeasurement)
    guard schema.hasPrefix("dis-eval-benchmark/") else {
      throw Failure(
        .dataRefused, .noMeasurement, path, "is not a result of 'dis-eval bench `json`'")
    }
  }

  /// Returns the document as JSON with sorted keys, indented, with a final newline.
  ///
  /// - Throws: `EncodingError` if a number is not finite.
  public func json() throws -> [UInt8] { try encodedJSON(self) }
}
