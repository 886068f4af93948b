import Foundation
import GenerativeMetrics

/// What is wrong with a model of the tables of power.
enum Damage: String, CaseIterable, Sendable {
  case none = "nothing"
  case shift = "shift in 4 directions"
  case narrower = "7 % narrower"
  case wider = "7 % wider"
  case missing = "a class at 80 %"
  case outliers = "0.4 % outliers"
  case collapse = "collapse of 20 %"
}

/// Features of ten classes with variances 1, 1/2, 1/3 ... within and between classes together, and a reference of
/// the same distribution. The baseline is off by 0.1 standard deviations in every direction.
struct Mixture: Sendable {
  private static let classes = 10

  /// The covariance of the reference, `[D, D]`; its mean is 0.
  let covariance: [Double]
  let reference: Reference
  /// Samples of the reference, for metrics that compare rows.
  let referenceRows: FeatureRows
  private let deviations: [Double]
  /// The standard deviation within a class as a share of ``deviations``.
  private let within = 0.5.squareRoot()
  private let centers: [[Double]]
  private let offset: [Double]
  /// The samples that a collapsed model repeats, one of each class.
  private let prototypes: [[Double]]

  private var dimension: Int { deviations.count }

  /// Creates the distribution, with centres that depend on the seed alone.
  init(dimension: Int, referenceCount: Int, seed: UInt64) throws {
    var draws = Draws(seed: seed, "mixture \(dimension)", 0)
    let deviations = (1...dimension).map { (1 / Double($0)).squareRoot() }
    let within = within
    func noise() -> [Double] { deviations.map { $0 * within * draws.normal() } }
    var centers = (0..<Self.classes).map { _ in noise() }
    for column in 0..<dimension {
      let mean = centers.map { $0[column] }.mean
      for index in centers.indices { centers[index][column] -= mean }
    }
    prototypes = centers.map { center in zip(center, noise()).map { $0 + $1 } }
    (self.deviations, self.centers) = (deviations, centers)
    offset = deviations.map { 0.1 * $0 }
    var covariance = [Double](repeating: 0, count: dimension * dimension)
    for row in 0..<dimension {
      for column in 0...row {
        let between =
          centers.reduce(0) { $0 + $1[row] * $1[column] } / Double(Self.classes)
        covariance[row * dimension + column] = between
        covariance[column * dimension + row] = between
      }
      covariance[row * (dimension + 1)] += deviations[row] * deviations[row] * within * within
    }
    self.covariance = covariance
    reference = try Reference(
      GaussianStatistics(
        count: nil, mean: [Double](repeating: 0, count: dimension), covariance: covariance))
    var rows: [Float] = []
    for _ in 0..<referenceCount {
      let center = centers[Int(draws.uniform() * Double(Self.classes))]
      rows += zip(center, noise()).map { Float($0 + $1) }
    }
    referenceRows = try FeatureRows(rows, dimension: dimension)
  }

  /// The random numbers of a set of samples, and of a second set with the same classes and correlated noise.
  struct Noise {
    let first: [Double]
    let second: [Double]
    let classes: [Double]
    let choices: [Double]

    init(count: Int, dimension: Int, _ draws: inout Draws) {
      first = draws.normals(count * dimension)
      let correlation = PairedNoise.correlation
      let rest = (1 - correlation * correlation).squareRoot()
      second = zip(first, draws.normals(count * dimension)).map { correlation * $0 + rest * $1 }
      classes = draws.uniforms(count)
      choices = draws.uniforms(count)
    }
  }

  func noise(count: Int, _ draws: inout Draws) -> Noise {
    Noise(count: count, dimension: dimension, &draws)
  }

  /// Returns the features of the baseline.
  func baseline(_ noise: Noise) -> [Float] { features(.none, noise.first, noise) }

  /// Returns the features of a candidate, whose noise is correlated with the baseline's.
  func candidate(_ damage: Damage, _ noise: Noise) -> [Float] {
    features(damage, noise.second, noise)
  }

  private func features(_ damage: Damage, _ z: [Double], _ noise: Noise) -> [Float] {
    var rows: [Float] = []
    rows.reserveCapacity(z.count)
    for (row, (place, choice)) in zip(noise.classes, noise.choices).enumerated() {
      var label = Int(place * Double(Self.classes))
      if damage == .missing, label == 0, choice < 0.2 {
        label = 1 + Int(choice * 5 * Double(Self.classes - 1))
      }
      let isCollapsed = damage == .collapse && choice < 0.2
      let scale =
        switch damage {
        case .narrower: 0.93
        case .wider: 1.07
        case .outliers: choice < 0.004 ? 4.0 : 1
        case .none, .shift, .missing, .collapse: 1.0
        }
      for column in 0..<dimension {
        let own = centers[label][column] + within * deviations[column] * z[row * dimension + column]
        let shift = damage == .shift && column < 4 ? 0.1 * deviations[column] : 0
        rows.append(
          Float(offset[column] + shift + scale * (isCollapsed ? prototypes[label][column] : own)))
      }
    }
    return rows
  }
}
