import Checkpoints
import Files

/// Reads the weights of the Inception network from the TensorFlow graph `classify_image_graph_def`,
/// and checks that the graph computes the same as ``InceptionV3``.
///
/// Every result in the graph is described by an operation and the descriptions of its inputs, each
/// of which is numbered when it first occurs. The network is described first and so gets the lowest
/// numbers. Anything in the graph that gets a higher number is not part of the network.
struct InceptionGraph {
  private let graph: TensorFlowGraph
  private var numbers: [String: Int] = [:]
  /// The descriptions of results: one number for each part that is concatenated along the channels.
  private var known: [String: [Int]] = [:]
  private var tensors: [(name: String, source: TensorSource)] = []

  /// The largest number of nodes from a result back to the image. The graph has about 300.
  static let maximumDepth = 600

  /// Returns the weights under pytorch-fid's names.
  ///
  /// - Throws: ``Failure`` (65) `GraphMismatch` if the graph describes a different network, or the
  ///   failure of reading its constants.
  static func weights(of graph: TensorFlowGraph) throws(Failure) -> StateDict {
    var reader = InceptionGraph(graph: graph)
    try reader.check()
    return try StateDict.empty(path: graph.path).rearranged(reader.tensors)
  }

  private init(graph: TensorFlowGraph) { self.graph = graph }

  private mutating func check() throws(Failure) {
    let expected = describe(InceptionPlan.steps, input: [number("input")])
    guard let pool = graph["pool_3"], pool.operation == "AvgPool", pool.inputs.count == 1,
      pool.integers("ksize") == [1, 8, 8, 1], pool.text("padding") == "VALID"
    else { throw mismatch("pool_3", "expected the mean over 8 x 8 positions") }
    guard try describe(pool.inputs[0], depth: 0) == expected else {
      throw mismatch("pool_3", "its input is not the last block of Inception")
    }
    guard let logits = graph["softmax/logits/MatMul"], logits.operation == "MatMul",
      logits.inputs.count == 2, logits.bool("transpose_a") != true,
      logits.bool("transpose_b") != true, source(logits.inputs[0]) == "pool_3"
    else { throw mismatch("softmax/logits/MatMul", "expected a product of pool_3 and a matrix") }
    let matrix = try constant(source(logits.inputs[1]), rank: 2)
    tensors.append(("fc.weight", .array(matrix, axes: [1, 0])))
    tensors.append(("fc.bias", .array(try constant("softmax/biases", rank: 1), axes: [0])))
  }

  private func mismatch(_ node: String, _ detail: String) -> Failure {
    Failure(
      .dataRefused, .graphMismatch, graph.path,
      "node '\(node)': \(detail); expected the graph inception-2015-12-05")
  }

  /// Returns the node whose value `name` passes on, unchanged except for its shape.
  private func source(_ name: String) -> String {
    var name = name
    for _ in 0..<8 {
      guard let node = graph[name], let input = node.inputs.first,
        ["Identity", "CheckNumerics", "Reshape", "Squeeze"].contains(node.operation)
      else { break }
      name = input
    }
    return name
  }

  private func constant(_ name: String, rank: Int) throws(Failure) -> NPYArray {
    let array = try graph.constant(name)
    guard array.type == .float32, array.shape.count == rank else {
      throw mismatch(name, "\(array.type.rawValue) of shape \(array.shape)")
    }
    return array
  }
}

// MARK: - The network

extension InceptionGraph {
  /// Returns the number of a description.
  private mutating func number(_ description: String) -> Int {
    if let number = numbers[description] { return number }
    numbers[description] = numbers.count
    return numbers.count - 1
  }

  private mutating func describe(_ steps: [InceptionPlan.Step], input: [Int]) -> [Int] {
    var result = input
    for step in steps {
      switch step {
      case .unit(let unit):
        result = [number(Self.description(unit.graphName, unit.window, result))]
      case .maxPool(let window): result = [number(Self.description("MaxPool", window, result))]
      case .averagePool(let window): result = [number(Self.description("AvgPool", window, result))]
      case .branches(let branches):
        var joined: [Int] = []
        for branch in branches { joined += describe(branch, input: result) }
        result = joined
      }
    }
    return result
  }

  private static func description(
    _ operation: String, _ window: InceptionPlan.Window, _ input: [Int]
  ) -> String { "\(operation), \(window.rawValue), of \(input)" }
}

// MARK: - The graph

extension InceptionGraph {
  /// Returns the description of the result of a node.
  private mutating func describe(_ name: String, depth: Int) throws(Failure) -> [Int] {
    if let known = known[name] { return known }
    guard depth < Self.maximumDepth else { throw mismatch(name, "a chain without end") }
    guard let node = graph[name] else { throw mismatch(name, "is not there") }
    let result: [Int]
    switch node.operation {
    case "Identity", "CheckNumerics":
      result = try describe(try input(0, of: node, name), depth: depth + 1)
    case "Relu":
      result = [try unit(node, name, depth: depth)]
    case "MaxPool", "AvgPool":
      guard node.integers("ksize") == [1, 3, 3, 1] else {
        throw mismatch(name, "a pool over \(node.integers("ksize") ?? [])")
      }
      let window = try window(of: node, name, isPointwise: false)
      result = [
        try known(
          Self.description(
            node.operation, window, try describe(try input(0, of: node, name), depth: depth + 1)),
          name)
      ]
    case "Concat", "ConcatV2":
      result = try joined(node, name, depth: depth)
    default:
      // The prepared image; here, images are prepared according to the dialect.
      result = [number("input")]
    }
    known[name] = result
    return result
  }

  private func input(
    _ index: Int, of node: TensorFlowGraph.Node, _ name: String
  ) throws(Failure) -> String {
    guard index < node.inputs.count else { throw mismatch(name, "has no input \(index)") }
    return node.inputs[index]
  }

  /// Returns the number of a description that occurs in the network.
  private func known(_ description: String, _ name: String) throws(Failure) -> Int {
    guard let number = numbers[description] else {
      throw mismatch(name, "the network has nothing like it: \(description)")
    }
    return number
  }

  private mutating func joined(
    _ node: TensorFlowGraph.Node, _ name: String, depth: Int
  ) throws(Failure) -> [Int] {
    let isFirst = node.operation == "Concat"
    guard let axis = isFirst ? node.inputs.first : node.inputs.last,
      [[3], [-1]].contains(try graph.constant(source(axis)).integers())
    else { throw mismatch(name, "does not join channels") }
    var parts: [Int] = []
    for input in isFirst ? node.inputs.dropFirst() : node.inputs.dropLast() {
      parts += try describe(input, depth: depth + 1)
      guard parts.count <= 16 else { throw mismatch(name, "joins more than any block") }
    }
    return parts
  }

  /// Returns the number of a unit (convolution, normalisation and ReLU) and collects its weights.
  private mutating func unit(
    _ relu: TensorFlowGraph.Node, _ name: String, depth: Int
  ) throws(Failure) -> Int {
    let normName = source(try input(0, of: relu, name))
    guard let norm = graph[normName], norm.operation == "BatchNormWithGlobalNormalization",
      norm.inputs.count == 5, norm.float("variance_epsilon") == 0.001,
      let isScaled = norm.bool("scale_after_normalization")
    else { throw mismatch(normName, "expected a batch normalisation with epsilon 0.001") }
    let convolutionName = source(norm.inputs[0])
    guard let convolution = graph[convolutionName], convolution.operation == "Conv2D",
      convolution.inputs.count == 2,
      convolution.integers("dilations") ?? [1, 1, 1, 1] == [1, 1, 1, 1]
    else { throw mismatch(convolutionName, "expected a convolution") }

    let weight = try constant(source(convolution.inputs[1]), rank: 4)
    let window = try window(
      of: convolution, convolutionName, isPointwise: weight.shape[0...1] == [1, 1])
    let image = try describe(convolution.inputs[0], depth: depth + 1)
    let number = try known(Self.description(name, window, image), name)
    guard let unit = Self.unitNames[name] else { throw mismatch(name, "an unknown unit") }

    // HWIO to OIHW.
    tensors.append((unit + ".conv.weight", .array(weight, axes: [3, 2, 0, 1])))
    let beta = try constant(source(norm.inputs[3]), rank: 1)
    tensors.append(
      (
        unit + ".bn.weight",
        isScaled
          ? .array(try constant(source(norm.inputs[4]), rank: 1), axes: [0]) : .ones(beta.shape)
      ))
    tensors.append((unit + ".bn.bias", .array(beta, axes: [0])))
    for (suffix, index) in [(".bn.running_mean", 1), (".bn.running_var", 2)] {
      tensors.append(
        (unit + suffix, .array(try constant(source(norm.inputs[index]), rank: 1), axes: [0])))
    }
    return number
  }

  private static let unitNames = Dictionary(
    uniqueKeysWithValues: InceptionPlan.units.map { ($0.graphName, $0.name) })

  /// Returns how the window of a convolution or pool moves. For a window of one position, padding
  /// makes no difference.
  private func window(
    of node: TensorFlowGraph.Node, _ name: String, isPointwise: Bool
  ) throws(Failure) -> InceptionPlan.Window {
    let padding = node.text("padding") ?? ""
    guard node.text("data_format") ?? "NHWC" == "NHWC", ["SAME", "VALID"].contains(padding) else {
      throw mismatch(name, "padding \(padding), layout \(node.text("data_format") ?? "")")
    }
    switch (node.integers("strides"), padding) {
    case ([1, 1, 1, 1], "SAME"): return .same
    case ([1, 1, 1, 1], _): return isPointwise ? .same : .valid
    case ([1, 2, 2, 1], "VALID"): return .halving
    case (let strides, _): throw mismatch(name, "strides \(strides ?? []) with padding \(padding)")
    }
  }
}
