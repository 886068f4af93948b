import Backbones
import Foundation
import Testing

/// Parameters and operations of every size of the papers, as PyTorch counts them:
/// scripts/fixtures/make_transformers.py.
@Suite("Operations of transformers") struct TransformerCostTests {
  struct Row: Decodable {
    let name: String
    let side: Int
    let channels: Int
    let labelRows: Int
    let parameters: Int
    let operations: Double
  }

  static let uvits = [
    "cifar10": "S/2", "celeba64": "S/4", "imagenet64_mid": "M/4", "imagenet64_large": "L/4",
    "imagenet256_large": "L/2", "imagenet256_huge": "H/2", "imagenet512_large": "L/4",
    "imagenet512_huge": "H/4",
  ]

  @Test func areTheOriginals() throws {
    let url = try #require(Bundle.module.resourceURL)
      .appendingPathComponent("Fixtures/transformer_cost.json")
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let rows = try decoder.decode([Row].self, from: Data(contentsOf: url))
    #expect(rows.count == 32)
    for row in rows {
      let found: (parameters: Int, operations: Double, name: String?)
      if let size = Self.uvits[row.name] {
        let configuration = try #require(
          UViTConfiguration.size(
            size, side: row.side, channels: row.channels,
            labelRows: row.labelRows > 0 ? row.labelRows : nil))
        found = (configuration.parameterCount, configuration.operations, configuration.sizeName)
        #expect(found.name == size)
      } else {
        let size = String(row.name.dropFirst(4))
        let configuration = try #require(
          DiTConfiguration.size(
            size, side: row.side, channels: row.channels, classes: row.labelRows - 1,
            learnsSigma: true))
        found = (configuration.parameterCount, configuration.operations, configuration.sizeName)
        #expect(found.name == size)
      }
      #expect(found.parameters == row.parameters, "\(row.name), side \(row.side)")
      #expect(found.operations == row.operations, "\(row.name), side \(row.side)")
    }
  }
}
