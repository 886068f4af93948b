import Files

/// The description of an array pickled by numpy. Its elements have not been copied.
struct PickledArray {
  let type: ScalarType
  let shape: [Int]
  let isBigEndian: Bool
  let isFortranOrder: Bool
  /// The index of the byte string with the elements.
  let content: Int
}

extension PickleGraph {
  /// The functions that make numpy arrays.
  static let arrayFunctions: Set = [
    "numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct",
    "numpy.core.numeric._frombuffer", "numpy._core.numeric._frombuffer",
  ]

  /// Returns the numpy array that a value describes, or nil if the value is not an array.
  ///
  /// Protocols 2 to 4 call `_reconstruct` and set the state
  /// `(1, shape, dtype, fortran_order, bytes)`; protocol 5 calls
  /// `_frombuffer(bytes, dtype, shape, order)`. numpy 2 renamed the module.
  ///
  /// - Throws: ``Failure`` (65) `NpyUnsupported` if the elements are not numbers, `NpyMalformed` if
  ///   the description has different parts.
  func numpyArray(_ index: Int, subject: String) throws(Failure) -> PickledArray? {
    guard case .call(let function, let arguments, let state) = values[index],
      let name = global(function), let arguments = tuple(arguments)
    else { return nil }
    let malformed = Failure.refused(.npyMalformed, subject, "a pickled array with unexpected parts")
    switch name {
    case "numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct":
      guard arguments.first.flatMap(global) == "numpy.ndarray",
        let parts = state.flatMap(tuple), parts.count == 5, integer(parts[0]) == 1,
        let shape = integers(parts[1]), let isFortran = bool(parts[3])
      else { throw malformed }
      let (type, isBigEndian) = try numpyType(parts[2], subject: subject)
      return PickledArray(
        type: type, shape: shape, isBigEndian: isBigEndian, isFortranOrder: isFortran,
        content: parts[4])
    case "numpy.core.numeric._frombuffer", "numpy._core.numeric._frombuffer":
      guard arguments.count == 4, state == nil, let shape = integers(arguments[2]),
        let order = text(arguments[3]), ["C", "F"].contains(order)
      else { throw malformed }
      let (type, isBigEndian) = try numpyType(arguments[1], subject: subject)
      return PickledArray(
        type: type, shape: shape, isBigEndian: isBigEndian, isFortranOrder: order == "F",
        content: arguments[0])
    default: return nil
    }
  }

  /// Returns the dtype described by `numpy.dtype('f8', False, True)` with the state
  /// `(3, '<', None, …)`.
  private func numpyType(
    _ index: Int, subject: String
  ) throws(Failure) -> (type: ScalarType, isBigEndian: Bool) {
    guard let (function, arguments) = call(index), function == "numpy.dtype",
      let code = arguments.first.flatMap(text), case .call(_, _, let state?) = values[index],
      let parts = tuple(state), parts.count >= 2, let order = text(parts[1])
    else { throw .refused(.npyMalformed, subject, "a pickled array without a dtype") }
    guard let type = ScalarType(npyDescriptor: order + code) else {
      throw .refused(.npyUnsupported, subject, "elements '\(order)\(code)', expected numbers")
    }
    return (type, order == ">")
  }

  /// Copies the elements of `array` out of the pickle.
  ///
  /// - Throws: ``Failure`` `NpyMalformed` (65) if their number does not match the shape.
  func elements(of array: PickledArray, subject: String) throws(Failure) -> NPYArray {
    guard var bytes = data(array.content), let count = elementCount(array.shape),
      count * array.type.size == bytes.count
    else {
      throw .refused(
        .npyMalformed, subject,
        "a pickled \(array.type) \(array.shape) with \(description(array.content)) of a "
          + "different size")
    }
    let size = array.type.size
    if array.isBigEndian { bytes = byteSwapped(bytes, size: size) }
    if array.isFortranOrder {
      bytes = gathered(
        bytes, size: size, offset: 0, shape: array.shape,
        strides: contiguousStrides(array.shape.reversed()).reversed())
    }
    return NPYArray(type: array.type, shape: array.shape, bytes: bytes)
  }
}
