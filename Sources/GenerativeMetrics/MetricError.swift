/// The reason a metric cannot be computed from the given numbers.
public struct MetricError: Error, Equatable, Sendable, CustomStringConvertible {
  /// What kind of error it is.
  public let code: Code
  /// What was found and what was expected.
  public let detail: String

  /// A kind of error, by a stable name.
  public struct Code: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// The name in UpperCamelCase, such as `DimensionMismatch`.
    public let rawValue: String

    /// Creates the kind with the given name.
    public init(rawValue: String) { self.rawValue = rawValue }

    /// The name.
    public var description: String { rawValue }
  }

  /// Creates an error from its kind and what it says.
  ///
  /// - Parameters:
  ///   - code: The kind of error.
  ///   - detail: What was found and what was expected.
  public init(_ code: Code, _ detail: String) {
    self.code = code
    self.detail = detail
  }

  /// The code and the detail.
  public var description: String { "\(code): \(detail)" }
}

extension MetricError.Code {
  /// Two sets have different numbers of samples.
  public static let countMismatch = Self(rawValue: "CountMismatch")
  /// Two sets have features of different lengths.
  public static let dimensionMismatch = Self(rawValue: "DimensionMismatch")
  /// A LAPACK routine did not converge.
  public static let lapackFailure = Self(rawValue: "LAPACKFailure")
  /// A distance is negative beyond rounding.
  public static let negativeDistance = Self(rawValue: "NegativeDistance")
  /// A value is NaN or infinite.
  public static let nonFinite = Self(rawValue: "NonFinite")
  /// A covariance has a negative eigenvalue beyond rounding.
  public static let notPositiveSemidefinite = Self(rawValue: "NotPositiveSemidefinite")
  /// A covariance is not symmetric.
  public static let notSymmetric = Self(rawValue: "NotSymmetric")
  /// A value is too large for a double.
  public static let overflow = Self(rawValue: "Overflow")
  /// Values are not whole rows, or arrays do not fit each other.
  public static let shapeMismatch = Self(rawValue: "ShapeMismatch")
  /// There are fewer samples than the metric needs.
  public static let tooFewSamples = Self(rawValue: "TooFewSamples")
  /// A row of features is 0 where its direction is needed.
  public static let zeroRow = Self(rawValue: "ZeroRow")
}
