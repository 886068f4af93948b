extension BidirectionalCollection {
  /// Returns the collection without the elements at its end that satisfy `predicate`.
  package func trimmingSuffix(while predicate: (Element) -> Bool) -> SubSequence {
    guard let last = lastIndex(where: { !predicate($0) }) else { return self[..<startIndex] }
    return self[...last]
  }
}
