/// The largest number of axes of a stored array.
let maximumRank = 8

/// Returns the number of elements of `shape`, or nil if an extent is negative, there are too many
/// axes, or the product of the extents overflows. Zeros do not hide an overflow of the other
/// extents.
func elementCount(_ shape: [Int]) -> Int? {
  guard shape.count <= maximumRank, shape.allSatisfy({ $0 >= 0 }) else { return nil }
  var product = 1
  for extent in shape {
    let (next, overflow) = product.multipliedReportingOverflow(by: max(extent, 1))
    // Leave room for the largest element, so that byte counts cannot overflow either.
    guard !overflow, next <= Int.max / 8 else { return nil }
    product = next
  }
  return shape.contains(0) ? 0 : product
}

/// Returns the strides, in elements, of a contiguous array in C order.
func contiguousStrides(_ shape: [Int]) -> [Int] {
  var strides = [Int](repeating: 1, count: shape.count)
  for axis in shape.indices.dropLast().reversed() {
    strides[axis] = strides[axis + 1] * max(shape[axis + 1], 1)
  }
  return strides
}

/// Copies the elements of a strided view in C order.
///
/// - Parameters:
///   - bytes: The storage.
///   - size: The number of bytes per element.
///   - offset: The index of the first element.
///   - shape: The extents of the view.
///   - strides: The stride of each axis, in elements.
/// - Precondition: The view lies within `bytes`.
func gathered(
  _ bytes: [UInt8], size: Int, offset: Int, shape: [Int], strides: [Int]
) -> [UInt8] {
  let count = shape.reduce(1, *)
  guard count > 0 else { return [] }
  if strides == contiguousStrides(shape) || count == 1 {
    let range = size * offset..<size * (offset + count)
    return range == bytes.indices ? bytes : Array(bytes[range])
  }
  var result: [UInt8] = []
  result.reserveCapacity(size * count)
  var index = [Int](repeating: 0, count: shape.count)
  var position = offset
  for _ in 0..<count {
    result += bytes[size * position..<size * (position + 1)]
    // Advance the index like an odometer. The stride of an axis of one position is never taken, so
    // it may be any number.
    for axis in shape.indices.reversed() where shape[axis] > 1 {
      index[axis] += 1
      position += strides[axis]
      if index[axis] < shape[axis] { break }
      position -= strides[axis] * shape[axis]
      index[axis] = 0
    }
  }
  return result
}

/// Returns `bytes` with the byte order of every element reversed.
func byteSwapped(_ bytes: [UInt8], size: Int) -> [UInt8] {
  [UInt8](unsafeUninitializedCapacity: bytes.count) { result, count in
    for start in stride(from: 0, to: bytes.count, by: size) {
      for k in 0..<size { result[start + k] = bytes[start + size - 1 - k] }
    }
    count = bytes.count
  }
}
