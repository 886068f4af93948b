import Foundation

/// Reference numbers of `scripts/fixtures/frechet.py` and `kid.py`.
struct Golden<Case: Decodable & Sendable>: Decodable {
  let cases: [Case]

  static func read(_ name: String) -> [Case] {
    guard
      let url = Bundle.module.url(forResource: "Fixtures/\(name)", withExtension: "json"),
      let data = try? Data(contentsOf: url),
      let golden = try? JSONDecoder().decode(Golden.self, from: data)
    else { preconditionFailure("Fixtures/\(name).json is missing or malformed") }
    return golden.cases
  }
}
