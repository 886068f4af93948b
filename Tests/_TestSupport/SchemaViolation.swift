import Foundation
import Results
import Results

/// Why a JSON document is not valid by a schema, nil when it is. Knows the part of JSON Schema that ours
/// use.
package func violation(of json: [UInt8], by schema: Schema) throws -> String? {
  let root = try JSONDecoder().decode(JSONValue.self, from: Data(schema.json))
  return violation(try JSONDecoder().decode(JSONValue.self, from: Data(json)), root, root: root)
}

private func violation(
  _ value: JSONValue, _ schema: JSONValue, root: JSONValue, at path: String = "$"
) -> String? {
  guard case .object(let keywords) = schema else { return "\(path): no schema" }
  for (keyword, expected) in keywords {
    if let problem = violation(value, keyword, expected, schema, root, path) { return problem }
  }
  return nil
}

private func violation(
  _ value: JSONValue, _ keyword: String, _ expected: JSONValue, _ schema: JSONValue,
  _ root: JSONValue, _ path: String
) -> String? {
  func unless(_ isValid: Bool) -> String? { isValid ? nil : "\(path): \(keyword)" }
  switch (keyword, expected, value) {
  case ("const", _, _): return unless(value == expected)
  case ("enum", .array(let values), _): return unless(values.contains(value))
  case ("type", .array(let names), _): return unless(names.contains { isType($0, value) })
  case ("type", _, _): return unless(isType(expected, value))
  case ("$ref", .text(let name), _):
    let target = root["$defs"]?[String(name.dropFirst("#/$defs/".count))] ?? .null
    return violation(value, target, root: root, at: path)
  case ("anyOf", .array(let schemas), _):
    return unless(schemas.contains { violation(value, $0, root: root) == nil })
  case ("required", .array(let keys), .object(let members)):
    return unless(
      keys.allSatisfy { if case .text(let key) = $0 { members[key] != nil } else { false } })
  case ("properties", .object(let schemas), .object(let members)):
    for (key, member) in members {
      if let schema = schemas[key],
        let problem = violation(member, schema, root: root, at: "\(path).\(key)")
      {
        return problem
      }
    }
  case ("additionalProperties", _, .object(let members)):
    for (key, member) in members where schema["properties"]?[key] == nil {
      guard case .object = expected else { return "\(path).\(key): additional" }
      if let problem = violation(member, expected, root: root, at: "\(path).\(key)") {
        return problem
      }
    }
  case ("items", _, .array(let items)):
    return items.lazy.compactMap { violation($0, expected, root: root, at: path + "[]") }.first
  case ("minItems", .integer(let count), .array(let items)): return unless(items.count >= count)
  case ("maxItems", .integer(let count), .array(let items)): return unless(items.count <= count)
  case ("minLength", .integer(let count), .text(let text)): return unless(text.count >= count)
  case ("pattern", .text(let pattern), .text(let text)):
    return unless(text.range(of: pattern, options: .regularExpression) != nil)
  case ("minimum", _, _): return unless(number(value) ?? .infinity >= number(expected) ?? .nan)
  case ("maximum", _, _): return unless(number(value) ?? -.infinity <= number(expected) ?? .nan)
  case ("exclusiveMaximum", _, _):
    return unless(number(value) ?? -.infinity < number(expected) ?? .nan)
  case ("$schema", _, _), ("$id", _, _), ("$defs", _, _), ("title", _, _), ("description", _, _),
    ("default", _, _), ("required", _, _), ("properties", _, _), ("additionalProperties", _, _),
    ("items", _, _), ("minItems", _, _), ("maxItems", _, _), ("minLength", _, _),
    ("pattern", _, _):
    break
  default: return "\(path): the keyword \(keyword) is not known"
  }
  return nil
}

private func number(_ value: JSONValue) -> Double? {
  switch value {
  case .integer(let value): Double(value)
  case .natural(let value): Double(value)
  case .number(let value): value
  default: nil
  }
}

private func isType(_ name: JSONValue, _ value: JSONValue) -> Bool {
  switch (name, value) {
  case (.text("object"), .object), (.text("array"), .array), (.text("string"), .text),
    (.text("boolean"), .boolean), (.text("null"), .null), (.text("integer"), .integer),
    (.text("integer"), .natural), (.text("number"), .integer), (.text("number"), .natural),
    (.text("number"), .number):
    true
  default: false
  }
}
