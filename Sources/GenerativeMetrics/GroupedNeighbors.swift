/// The distances from each of a set of rows to its nearest other rows, just as many as are needed
/// to know the k-th nearest of all rows and without any single group of them.
///
/// A row leaves the list of another row as soon as it can no longer be a k-th nearest one: if k
/// rows of its own group are nearer, or if k nearer ones remain whichever other group is left out.
/// So a list has at most 2k entries, and usually a few more than k. The group of the row itself
/// counts as never left out, as the row would be left out with it.
struct GroupedNeighbors {
  private let k: Int
  /// The group of each row.
  private let groups: [Int]
  /// Squared distances in ascending order and the groups of the rows at these distances: `[N, 2k]`,
  /// of which the first `lengths` of each row are used.
  private var distances: [Double]
  private var members: [Int]
  private var lengths: [Int]
  /// The squared distance from which on another row changes nothing, infinite while the list is too
  /// short.
  private(set) var limits: [Double]
  /// One list and the entry that is added to it.
  private var scratch: [(distance: Double, group: Int)] = []

  /// Creates empty lists.
  ///
  /// - Parameters:
  ///   - k: The number of neighbours, at least 1.
  ///   - groups: The group of each row.
  init(k: Int, groups: [Int]) {
    self.k = k
    self.groups = groups
    distances = [Double](repeating: 0, count: groups.count * 2 * k)
    members = [Int](repeating: 0, count: groups.count * 2 * k)
    lengths = [Int](repeating: 0, count: groups.count)
    limits = [Double](repeating: .infinity, count: groups.count)
  }

  /// Adds the squared distance of row `other` to the list of `row`.
  mutating func insert(_ distance: Double, of other: Int, to row: Int) {
    guard distance < limits[row] else { return }
    let start = row * 2 * k
    scratch.removeAll(keepingCapacity: true)
    for slot in start..<start + lengths[row] { scratch.append((distances[slot], members[slot])) }
    let place = scratch.firstIndex { $0.distance > distance } ?? scratch.count
    scratch.insert((distance, groups[other]), at: place)
    store(row)
  }

  /// Writes what is needed of ``scratch`` to the list of a row.
  private mutating func store(_ row: Int) {
    let start = row * 2 * k
    var (length, largest) = (0, 0)
    limits[row] = .infinity
    for (index, entry) in scratch.enumerated() {
      let nearer = scratch[..<index].count { $0.group == entry.group }
      if nearer >= k { continue }
      distances[start + length] = entry.distance
      members[start + length] = entry.group
      length += 1
      if entry.group != groups[row] { largest = max(largest, nearer + 1) }
      if length - largest >= k {
        limits[row] = entry.distance
        break
      }
    }
    lengths[row] = length
  }

  /// The ball of a row.
  struct Ball {
    /// The squared distance to the k-th nearest of all other rows.
    let squaredRadius: Double
    /// The squared distances to the k-th nearest without a group, for the groups without which it
    /// is larger.
    let larger: [(group: Int, squaredRadius: Double)]
  }

  /// Returns the ball of a row, after all pairs were inserted and if k rows remain without each
  /// group.
  func ball(of row: Int) -> Ball {
    let list = row * 2 * k..<row * 2 * k + lengths[row]
    let radius = distances[list.lowerBound + k - 1]
    var larger: [(group: Int, squaredRadius: Double)] = []
    for group in Set(members[list.prefix(k)]).sorted() where group != groups[row] {
      let rest = list.lazy.filter { members[$0] != group }
      let slot = rest[rest.index(rest.startIndex, offsetBy: k - 1)]
      if distances[slot] > radius { larger.append((group, distances[slot])) }
    }
    return Ball(squaredRadius: radius, larger: larger)
  }
}

extension BoundedRows {
  /// Returns the balls that extend from each row to its k-th nearest other row.
  ///
  /// - Parameters:
  ///   - k: The number of neighbours.
  ///   - groups: The group of each row; more than k rows remain without each group.
  func balls(neighbors k: Int, groups: [Int]) -> [GroupedNeighbors.Ball] {
    var neighbors = GroupedNeighbors(k: k, groups: groups)
    forEachPair(with: nil) { i, j, bounds in
      let largest = max(neighbors.limits[i], neighbors.limits[j])
      if bounds.lower > largest || largest == 0 { return }
      let distance = squaredDistance(i, self, j)
      neighbors.insert(distance, of: j, to: i)
      neighbors.insert(distance, of: i, to: j)
    }
    return (0..<count).map { neighbors.ball(of: $0) }
  }
}
