import Foundation

/// Returns `value` with six significant digits, without trailing zeros.
package func sixDigits(_ value: Double) -> String { String(format: "%.6g", value) }
