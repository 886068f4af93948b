import Foundation

/// Whether two pictures are the same to the byte; of two PDFs that hold the time of their drawing in a
/// compressed object, as those of cairo 1.18 do, whether they are of the same version and length, but for
/// the few bytes that a compressed time takes more or less.
package func isSamePicture(_ first: Data, _ second: Data) -> Bool {
  if first == second { return true }
  let isDated =
    first.starts(with: Data("%PDF".utf8)) && first.range(of: Data("/CreationDate".utf8)) == nil
  return isDated && first.prefix(8) == second.prefix(8) && abs(first.count - second.count) <= 16
}
