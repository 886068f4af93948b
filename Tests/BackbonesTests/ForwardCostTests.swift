import Backbones
import Foundation
import Testing
import _TestSupport

@Suite("Operations of a forward pass") struct ForwardCostTests {
  /// What the original's ten models on four kinds of input count, in operations.
  struct Golden: Decodable {
    struct Model: Decodable {
      let name: String
      let side: Int
      let channels: Int
      let classes: Int?
      let tokens: Int
      let parameters: Int
      let products: Int
      let convolutions: Int
      let scans: Int
      let thop: Int
    }
    struct Block: Decodable {
      let width: Int
      let tokens: Int
      let products: Int
    }
    let models: [Model]
    let transformerBlocks: [Block]
  }

  let golden: Golden

  init() throws {
    let url = try #require(Bundle.module.resourceURL)
      .appendingPathComponent("Fixtures/forward_cost.json")
    golden = try JSONDecoder().decode(Golden.self, from: Data(contentsOf: url))
  }

  static let sizes: [String: (width: Int, depth: Int)] = [
    "S": (368, 24), "B": (768, 24), "M": (768, 48), "L": (1024, 48), "H": (1536, 48),
  ]

  private func configuration(_ model: Golden.Model) throws -> DiSConfiguration {
    let size = try #require(Self.sizes[String(model.name.dropFirst(4).prefix(1))])
    var configuration = DiSConfiguration.small
    configuration.embeddingDimension = size.width
    configuration.blocksPerHalf = size.depth / 2
    configuration.patchSize = try #require(model.name.last?.wholeNumberValue)
    (configuration.imageSide, configuration.channels) = (model.side, model.channels)
    configuration.classCount = model.classes
    return configuration
  }

  @Test("are the original's, of all ten models on four kinds of input")
  func originals() throws {
    #expect(golden.models.count == 40)
    for model in golden.models {
      let configuration = try configuration(model)
      let cost = configuration.cost
      let comment: Comment = "\(model)"
      #expect(configuration.variantName == model.name)
      #expect(configuration.tokenCount == model.tokens, comment)
      #expect(configuration.parameterCount == model.parameters, comment)
      #expect(cost.products == Double(model.products), comment)
      #expect(cost.convolutions == Double(model.convolutions), comment)
      #expect(cost.scans == Double(model.scans), comment)
      // thop also counts two multiply-adds for each value of the last norm; norms are left out here.
      let norm = Double(4 * model.tokens * configuration.embeddingDimension)
      #expect(cost.thop + norm == Double(model.thop), comment)
      #expect((7.8...9).contains(cost.total / cost.thop), comment)
    }
  }

  /// The paper's figures, for patches of 4 on 32 x 32 pixels.
  @Test("as thop sees them are the paper's", arguments: ["S": 0.43, "B": 1.86, "H": 14.79])
  func paper(size: String, gigaflop: Double) throws {
    let model = try #require(
      golden.models.first { $0.name == "DiS-\(size)/4" && $0.side == 32 && $0.classes == nil })
    #expect(abs(try configuration(model).cost.thop / 1e9 - gigaflop) <= 0.005)
  }

  @Test("grow linearly with the tokens, those of a transformer quadratically")
  func lengths() throws {
    var configuration = DiSConfiguration.small
    configuration.hasSkips = false
    for block in golden.transformerBlocks {
      configuration.embeddingDimension = block.width
      let patches = block.tokens - 1
      let ends = configuration.cost(patches: patches).ends
      #expect(
        configuration.transformerProducts(patches: patches)
          == Double(configuration.blockCount * block.products) + ends)
    }
    let small = DiSConfiguration.small
    let cost = [256, 512, 768].map { small.cost(patches: $0).total }
    #expect(cost[2] - cost[1] == cost[1] - cost[0])
  }
}
