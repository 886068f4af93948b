/// The coefficients of Dormand and Prince's pair of orders 5 and 4.
///
/// - SeeAlso: Dormand & Prince, "A family of embedded Runge-Kutta formulae", J. Comput. Appl. Math.
///   6, 1980, Table 2; Shampine, "Some practical Runge-Kutta formulas", Math. Comp. 46, 1986, for the
///   middle of a step; `dopri5.py`, rtqichen/torchdiffeq 0.2.5.
enum DormandPrince {
  /// The times of the stages but the first, as fractions of a step.
  static let times = [1.0 / 5, 3.0 / 10, 4.0 / 5, 8.0 / 9, 1, 1]

  /// The weights of the earlier slopes in the argument of every stage but the first. The last of
  /// them is also the step itself.
  static let stages: [[Double]] = [
    [1.0 / 5],
    [3.0 / 40, 9.0 / 40],
    [44.0 / 45, -56.0 / 15, 32.0 / 9],
    [19372.0 / 6561, -25360.0 / 2187, 64448.0 / 6561, -212.0 / 729],
    [9017.0 / 3168, -355.0 / 33, 46732.0 / 5247, 49.0 / 176, -5103.0 / 18656],
    [35.0 / 384, 0, 500.0 / 1113, 125.0 / 192, -2187.0 / 6784, 11.0 / 84],
  ]

  /// The weights of the slopes in the difference of the steps of order 5 and 4.
  static let error = [
    35.0 / 384 - 1951.0 / 21600, 0, 500.0 / 1113 - 22642.0 / 50085, 125.0 / 192 - 451.0 / 720,
    -2187.0 / 6784 + 12231.0 / 42400, 11.0 / 84 - 649.0 / 6300, -1.0 / 60,
  ]

  /// The weights of the slopes in the step to the middle.
  static let middle = [
    6025192743.0 / 30085553152 / 2, 0, 51252292925.0 / 65400821598 / 2,
    -2691868925.0 / 45128329728 / 2, 187940372067.0 / 1594534317056 / 2,
    -1776094331.0 / 19743644256 / 2, 11237099.0 / 235043384 / 2,
  ]
}
