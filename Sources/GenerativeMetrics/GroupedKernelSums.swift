import Foundation
import Tensors

/// A function k of two samples, by whose means ``maximumMeanDiscrepancies(of:against:kernels:)``
/// compares two sets.
public enum DiscrepancyKernel: Hashable, Sendable {
  /// `(x·y / D + 1)³`, the kernel of the KID.
  case cubic
  /// `exp(-|x - y|² / 2σ²)`, where σ is `width`, in the unit of the features.
  case gaussian(width: Double)

  /// Checks that the kernel can be computed.
  ///
  /// - Throws: ``MetricError`` `ShapeMismatch` if `2σ²` is not a positive number.
  func check() throws(MetricError) {
    guard case .gaussian(let width) = self else { return }
    guard width > 0, (2 * width * width).isNormal else {
      throw MetricError(.shapeMismatch, "a kernel of width \(width), expected one above 0")
    }
  }
}

/// Sums of `k - 1` for a kernel k over pairs of samples, by groups of the generated samples.
///
/// In a discrepancy, the weights of the three means add up to 0, so the constant cancels. Without
/// it, no digits are lost if all values of the kernel are near 1.
struct GroupedKernelSums {
  /// `sum_{i≠j} k(y[i], y[j]) - 1` for i in group g and j in group h, `[groupCount, groupCount]`.
  var within: [Double]
  /// `sum_{i,j} k(y[i], x[j]) - 1` for i in group g, `[groupCount]`.
  var across: [Double]
  /// `sum_{i≠j} k(x[i], x[j]) - 1` for the reference.
  var reference: Double
  /// `sum_i k(y[i], y[i]) - 1`.
  var diagonal: Double
  /// `sum_i k(x[i], x[i]) - 1`.
  var referenceDiagonal: Double
}

extension GroupedKernelSums {
  /// Computes the sums of several kernels in one pass over the products of all pairs.
  ///
  /// The rows minus a common centre c are multiplied in blocks of at most 1024 by 1024, in float64.
  /// With `u = x - c` and `v = y - c`,
  /// ```
  /// |x - y|² = |u|² + |v|² - 2 u·v        x·y = u·v + u·c + v·c + |c|²
  /// ```
  /// Generated rows are taken group by group, so that each row of a block is a few stretches of one
  /// group.
  ///
  /// - Parameters:
  ///   - kernels: The kernels.
  ///   - generated: y, `[M, D]`, in the groups of ``Jackknife/groups(count:)``.
  ///   - reference: x, `[N, D]`, with the same D.
  ///   - scales: What the rows of both sets are multiplied by, `[M]` and `[N]`; nil for 1.
  /// - Returns: The sums of each kernel.
  static func of(
    _ kernels: [DiscrepancyKernel], generated: FeatureRows, reference: FeatureRows,
    scales: (generated: [Double], reference: [Double])? = nil
  ) -> [GroupedKernelSums] {
    let groups = Jackknife.groups(count: generated.count)
    let order = Jackknife.order(of: groups)
    let center =
      scales.map { reference.mean(scales: $0.reference) }
      ?? reference.roundedMean.map(Double.init)
    let y = KernelBlocks(
      generated, scales: scales?.generated, order: order, groups: order.map { groups[$0] },
      center: center)
    let x = KernelBlocks(
      reference, scales: scales?.reference, order: Array(0..<reference.count),
      groups: [Int](repeating: 0, count: reference.count), center: center)
    let b = Jackknife.groupCount
    var within = kernels.map { PairSums($0, rowGroups: b, columnGroups: b, dimension: x.dimension) }
    var across = kernels.map { PairSums($0, rowGroups: b, columnGroups: 1, dimension: x.dimension) }
    var other = kernels.map { PairSums($0, rowGroups: 1, columnGroups: 1, dimension: x.dimension) }
    y.addPairs(to: &within)
    x.addPairs(to: &other)
    y.addPairs(with: x, to: &across)
    return kernels.indices.map { index in
      let half = within[index].values
      return GroupedKernelSums(
        within: half.indices.map { half[$0] + half[$0 % b * b + $0 / b] },
        across: across[index].values, reference: 2 * other[index].values[0],
        diagonal: y.diagonal(kernels[index]), referenceDiagonal: x.diagonal(kernels[index]))
    }
  }
}

extension FeatureRows {
  /// Returns the mean of the rows times their scales, `[D]`.
  fileprivate func mean(scales: [Double]) -> [Double] {
    var sums = [Double](repeating: 0, count: dimension)
    for row in 0..<count {
      for column in 0..<dimension {
        sums[column] += Double(values[row * dimension + column]) * scales[row]
      }
    }
    return sums.map { $0 / Double(count) }
  }
}

extension Jackknife {
  /// Returns the indices of samples group by group, ascending within each.
  ///
  /// - Parameter groups: The group of each sample.
  static func order(of groups: [Int]) -> [Int] {
    var members = [[Int]](repeating: [], count: groupCount)
    for (index, group) in groups.enumerated() { members[group].append(index) }
    return members.flatMap { $0 }
  }
}

/// Rows minus a centre, in blocks of consecutive rows of some order.
private struct KernelBlocks {
  private static let blockSize = 1024

  private let rows: FeatureRows
  private let scales: [Double]?
  private let order: [Int]
  private let groups: [Int]
  private let center: [Double]

  var dimension: Int { rows.dimension }

  /// - Parameters:
  ///   - rows: `[N, D]`.
  ///   - scales: What the rows are multiplied by, `[N]`; nil for 1.
  ///   - order: The indices of the rows, `[N]`.
  ///   - groups: The group of each row in this order, ascending.
  ///   - center: c, `[D]`.
  init(
    _ rows: FeatureRows, scales: [Double]?, order: [Int], groups: [Int], center: [Double]
  ) {
    self.rows = rows
    self.scales = scales
    self.order = order
    self.groups = groups
    self.center = center
  }

  /// Adds each pair of different rows once.
  func addPairs(to sums: inout [PairSums]) {
    let blocks = rows.blocks(of: Self.blockSize)
    for (index, range) in blocks.enumerated() {
      let block = block(range)
      let products = lowerOuterGram(block.rows)
      for sum in sums.indices { sums[sum].add(products, block, block, isTriangle: true) }
      for later in blocks[(index + 1)...] { block.addPairs(with: self.block(later), to: &sums) }
    }
  }

  /// Adds each pair of one of these rows and one of `other`.
  func addPairs(with other: KernelBlocks, to sums: inout [PairSums]) {
    for range in rows.blocks(of: Self.blockSize) {
      let block = block(range)
      for second in other.rows.blocks(of: Self.blockSize) {
        block.addPairs(with: other.block(second), to: &sums)
      }
    }
  }

  /// Returns the sum of `k - 1` for each row with itself.
  func diagonal(_ kernel: DiscrepancyKernel) -> Double {
    guard kernel == .cubic else { return 0 }
    return (0..<rows.count).reduce(0) { sum, row in
      let scale = scales?[row] ?? 1
      let norm = rows.values[row * dimension..<(row + 1) * dimension].reduce(0) {
        $0 + Double($1) * Double($1) * scale * scale
      }
      return sum + cubeMinusOne(ofOnePlus: norm / Double(dimension))
    }
  }

  private func block(_ range: Range<Int>) -> KernelBlock {
    let half = center.reduce(0) { $0 + $1 * $1 } / 2
    var (norms, alongs): ([Double], [Double]) = ([], [])
    let values = [Double](unsafeUninitializedCapacity: range.count * dimension) { buffer, count in
      for sample in order[range] {
        var (norm, along) = (0.0, half)
        let scale = scales?[sample] ?? 1
        for column in 0..<dimension {
          let value = Double(rows.values[sample * dimension + column]) * scale - center[column]
          buffer.initializeElement(at: count, to: value)
          count += 1
          norm += value * value
          along += value * center[column]
        }
        norms.append(norm)
        alongs.append(along)
      }
    }
    return KernelBlock(
      rows: Matrix(rows: range.count, columns: dimension, values: values), squaredNorms: norms,
      alongs: alongs, groups: Array(groups[range]))
  }
}

/// Consecutive centred rows u.
private struct KernelBlock {
  /// `[n, D]`.
  let rows: Matrix
  /// |u|², `[n]`.
  let squaredNorms: [Double]
  /// u·c + |c|² / 2, `[n]`.
  let alongs: [Double]
  /// The group of each row.
  let groups: [Int]
  /// The stretches of rows of one group.
  let stretches: [Range<Int>]

  init(rows: Matrix, squaredNorms: [Double], alongs: [Double], groups: [Int]) {
    self.rows = rows
    self.squaredNorms = squaredNorms
    self.alongs = alongs
    self.groups = groups
    var starts = groups.indices.filter { $0 == 0 || groups[$0] != groups[$0 - 1] }
    starts.append(groups.count)
    stretches = zip(starts, starts.dropFirst()).map { $0..<$1 }
  }

  /// Adds each pair of one of these rows and one of `other`.
  func addPairs(with other: KernelBlock, to sums: inout [PairSums]) {
    let products = product(rows, transposed: other.rows)
    for sum in sums.indices { sums[sum].add(products, self, other, isTriangle: false) }
  }
}

/// The sums of one kernel over pairs, by the group of the row and that of the column.
private struct PairSums {
  let kernel: DiscrepancyKernel
  let columnGroups: Int
  /// 1 / D.
  let scale: Double
  /// `[rowGroups, columnGroups]`.
  var values: [Double]

  init(_ kernel: DiscrepancyKernel, rowGroups: Int, columnGroups: Int, dimension: Int) {
    self.kernel = kernel
    self.columnGroups = columnGroups
    scale = 1 / Double(dimension)
    values = [Double](repeating: 0, count: rowGroups * columnGroups)
  }

  /// Adds a block of pairs.
  ///
  /// - Parameters:
  ///   - products: u·v, `[n, m]`.
  ///   - u: The n rows.
  ///   - v: The m columns.
  ///   - isTriangle: Whether only the pairs below the diagonal are meant.
  mutating func add(
    _ products: Matrix, _ u: KernelBlock, _ v: KernelBlock, isTriangle: Bool
  ) {
    for row in 0..<products.rows {
      for stretch in v.stretches {
        let end = isTriangle ? min(stretch.upperBound, row) : stretch.upperBound
        guard stretch.lowerBound < end else { break }
        let index = u.groups[row] * columnGroups + v.groups[stretch.lowerBound]
        values[index] += sum(products, u, row, v, stretch.lowerBound..<end)
      }
    }
  }

  /// Returns the sum over columns of one row, which are few enough that rounding does not grow with
  /// the number of pairs.
  private func sum(
    _ products: Matrix, _ u: KernelBlock, _ row: Int, _ v: KernelBlock, _ columns: Range<Int>
  ) -> Double {
    let start = row * products.columns
    var sum = 0.0
    switch kernel {
    case .cubic:
      let along = u.alongs[row]
      for column in columns {
        sum += cubeMinusOne(
          ofOnePlus: (products.values[start + column] + along + v.alongs[column]) * scale)
      }
    case .gaussian(let width):
      let norm = u.squaredNorms[row]
      let factor = -1 / (2 * width * width)
      for column in columns {
        let distance = norm + v.squaredNorms[column] - 2 * products.values[start + column]
        sum += expm1(max(distance, 0) * factor)
      }
    }
    return sum
  }
}

/// Returns `(b + 1)³ - 1`.
private func cubeMinusOne(ofOnePlus b: Double) -> Double { b * (b * (b + 3) + 3) }
