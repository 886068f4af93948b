import Files

/// Evenly spaced times.
enum TimeGrid {
  /// The largest number of points, above which a number of steps is taken for a mistake.
  static let maximum = 100_000

  /// Returns `count` evenly spaced values from `start` to `end`, both included.
  ///
  /// Values of the first half are counted from the start and the others from the end, with one
  /// rounding each. These are the bits of `torch.linspace` in float64 on processors with fused
  /// multiply-add, so that a bound of an interval of guidance on one of the values means the same.
  ///
  /// - Parameter count: At least 2.
  static func linspace(_ start: Double, _ end: Double, _ count: Int) -> [Double] {
    let step = (end - start) / Double(count - 1)
    return (0..<count).map { i in
      i < count / 2
        ? start.addingProduct(step, Double(i)) : end.addingProduct(-step, Double(count - 1 - i))
    }
  }

  /// Refuses a number that is not in `minimum...maximum`.
  ///
  /// - Throws: ``Failure`` `SettingOutOfRange` (64).
  static func check(_ count: Int, _ property: String, minimum: Int) throws(Failure) {
    guard count >= minimum, count <= maximum else {
      throw .outOfRange(property, count, "\(minimum) to \(maximum)")
    }
  }
}
