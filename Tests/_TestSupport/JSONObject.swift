import Foundation
import Results

/// What `JSONSerialization.jsonObject` gives, but with the doubles that were written: that function makes
/// decimal numbers, and a third of all doubles differ in the last bit when they are asked for as `Double`.
package func jsonObject(_ data: Data) throws -> Any {
  object(try JSONDecoder().decode(JSONValue.self, from: data))
}

private func object(_ value: JSONValue) -> Any {
  switch value {
  case .null: NSNull()
  case .boolean(let value): NSNumber(value: value)
  case .integer(let value): NSNumber(value: value)
  case .natural(let value): NSNumber(value: value)
  case .number(let value): NSNumber(value: value)
  case .text(let value): value
  case .array(let values): values.map(object)
  case .object(let values): values.mapValues(object)
  }
}
