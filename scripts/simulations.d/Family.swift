import Foundation
import GenerativeMetrics

/// A distribution of the noise of features, all of whose coordinates have the mean 0 and the variance 1.
enum Family: String, CaseIterable, Sendable {
  case gaussian = "Gaussian"
  /// Multivariate t with five degrees of freedom: rows that are far off in all directions at once.
  case t5 = "t5"
  /// Coordinates whose logarithm is normal with σ = 1: skewed.
  case lognormal
  /// Normal, but 2 % of the samples are in a mode that the reference does not have.
  case rare = "rare mode"

  /// The share of samples in the rare mode, and how many standard deviations it is off in every direction.
  static let rareMode = (share: 0.02, shift: 3.6)
}

/// A model of the simulations: the reference's distribution, off by a mean and a spread.
struct Model: Sendable {
  /// The difference of the means, in standard deviations of every feature.
  var shift: Double
  /// The factor of the spread.
  var scale: Double

  static let near = Model(shift: 0.1, scale: 1.03)
  static let far = Model(shift: 0.5, scale: 1.15)
  static let zero = Model(shift: 0, scale: 1)

  /// The models that are compared with one of the same noise.
  var seconds: [(name: String, model: Model)] {
    [
      ("same law", self), ("5 % narrower", Model(shift: shift, scale: 0.95 * scale)),
      ("shift", Model(shift: shift + 0.05, scale: scale)),
    ]
  }
}

/// Features with variances 1, 1/2, 1/3 ... and the reference that has exactly these.
struct World: Sendable {
  let family: Family
  let deviations: [Double]
  let reference: Reference
  var dimension: Int { deviations.count }

  init(_ family: Family, dimension: Int) throws {
    self.family = family
    let variances = (1...dimension).map { 1 / Double($0) }
    deviations = variances.map { $0.squareRoot() }
    reference = try Reference(
      GaussianStatistics(
        count: nil, mean: [Double](repeating: 0, count: dimension),
        covariance: Self.covariance(variances)))
  }

  private static func covariance(_ variances: [Double], along direction: [Double]? = nil)
    -> [Double]
  {
    let dimension = variances.count
    var values = [Double](repeating: 0, count: dimension * dimension)
    for row in 0..<dimension {
      values[row * (dimension + 1)] = variances[row]
      guard let direction else { continue }
      for column in 0..<dimension {
        values[row * dimension + column] += direction[row] * direction[column]
      }
    }
    return values
  }

  /// Returns the distance of infinitely many samples.
  func distance(of model: Model) throws -> Double {
    let mode = family == .rare ? Family.rareMode : (share: 0, shift: 0)
    let spread = mode.shift * (mode.share * (1 - mode.share)).squareRoot()
    let statistics = try GaussianStatistics(
      count: nil, mean: deviations.map { $0 * (model.shift + mode.share * mode.shift) },
      covariance: Self.covariance(
        deviations.map { $0 * $0 * model.scale * model.scale },
        along: deviations.map { $0 * spread }
      ))
    return try frechetDistance(between: FactoredGaussian(statistics), and: reference.gaussian).value
  }
}

/// The noise of one set of samples, and of a second one whose noise has a correlation with it.
struct PairedNoise {
  /// The correlation of the two before they are made to follow their distribution.
  static let correlation = 0.9

  private let world: World
  private let first: [Double]
  private let second: [Double]
  /// For every sample, whether it is in the rare mode, or what its row is multiplied by.
  private let rows: [Double]

  init(_ world: World, count: Int, _ draws: inout Draws) {
    self.world = world
    let z = draws.normals(count * world.dimension)
    let other = draws.normals(count * world.dimension)
    let rest = (1 - Self.correlation * Self.correlation).squareRoot()
    let mixed = zip(z, other).map { Self.correlation * $0 + rest * $1 }
    switch world.family {
    case .gaussian:
      (first, second, rows) = (z, mixed, [Double](repeating: 1, count: count))
    case .rare:
      (first, second) = (z, mixed)
      rows = draws.uniforms(count).map { $0 < Family.rareMode.share ? Family.rareMode.shift : 0 }
    case .lognormal:
      let mean: Double = exp(0.5)
      let deviation = (exp(2.0 as Double) - exp(1.0 as Double)).squareRoot()
      first = z.map { (exp($0) - mean) / deviation }
      second = mixed.map { (exp($0) - mean) / deviation }
      rows = [Double](repeating: 1, count: count)
    case .t5:
      (first, second) = (z, mixed)
      rows = (0..<count).map { _ in
        let square = draws.normals(5).reduce(0) { $0 + $1 * $1 }
        return (3 / square).squareRoot()
      }
    }
  }

  /// Returns the features of a model: of the first set, or of the second.
  func features(of model: Model, isSecond: Bool = false) -> [Float] {
    let noise = isSecond ? second : first
    let dimension = world.dimension
    return [Float](unsafeUninitializedCapacity: noise.count) { buffer, count in
      for (row, own) in rows.enumerated() {
        let (factor, mode) = world.family == .rare ? (model.scale, own) : (model.scale * own, 0)
        for column in 0..<dimension {
          let index = row * dimension + column
          buffer.initializeElement(
            at: index,
            to: Float(world.deviations[column] * (model.shift + mode + factor * noise[index])))
        }
      }
      count = noise.count
    }
  }
}
