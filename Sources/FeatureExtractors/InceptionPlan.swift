/// The Inception network of 2015 as described in its files: the name of each unit in pytorch-fid,
/// in the TensorFlow graph and in NVIDIA's program, and the connections between the units.
///
/// ``InceptionLayers`` builds the same network with its shapes. This plan is used to recognise,
/// rename and check files.
///
/// - SeeAlso: torch-fidelity, utils/util_convert_inception_weights.py, for the first two columns of
///   names; the state dict of NVIDIA's `inception-2015-12-05.pt` for the third.
enum InceptionPlan {
  /// The way a window moves over its input.
  enum Window: String, Sendable {
    /// Stride 1 with padding that keeps the height and width.
    case same
    /// Stride 1 without padding.
    case valid
    /// Stride 2 without padding.
    case halving
  }

  /// A convolution with its normalisation.
  struct Unit: Sendable {
    /// The name in pytorch-fid's files, such as `Mixed_5b.branch5x5_1`.
    let name: String
    /// The name in the TensorFlow graph, such as `mixed/tower/conv`.
    let graphName: String
    /// The name in NVIDIA's program, such as `layers.mixed.tower.conv`.
    let scriptName: String
    let window: Window
  }

  /// A part of the network.
  indirect enum Step: Sendable {
    case unit(Unit)
    case maxPool(Window)
    case averagePool(Window)
    /// Sequences of steps that start from the same input and whose results are concatenated along
    /// the channels.
    case branches([[Step]])
  }

  /// All parts up to the last block, in order.
  static let steps: [Step] =
    [
      stem("Conv2d_1a_3x3", "conv", .halving), stem("Conv2d_2a_3x3", "conv_1", .valid),
      stem("Conv2d_2b_3x3", "conv_2"), .maxPool(.halving),
      stem("Conv2d_3b_1x1", "conv_3"), stem("Conv2d_4a_3x3", "conv_4", .valid), .maxPool(.halving),
      mixedA("Mixed_5b", "mixed"), mixedA("Mixed_5c", "mixed_1"), mixedA("Mixed_5d", "mixed_2"),
      mixedB("Mixed_6a", "mixed_3"),
      mixedC("Mixed_6b", "mixed_4"), mixedC("Mixed_6c", "mixed_5"), mixedC("Mixed_6d", "mixed_6"),
      mixedC("Mixed_6e", "mixed_7"),
      mixedD("Mixed_7a", "mixed_8"),
      mixedE("Mixed_7b", "mixed_9", pool: .averagePool(.same)),
      mixedE("Mixed_7c", "mixed_10", pool: .maxPool(.same)),
    ]

  /// The 94 units in the order of pytorch-fid's files.
  static let units: [Unit] = units(of: steps)

  /// The names of all tensors in the order of pytorch-fid's files.
  static let tensorNames: [String] =
    units.flatMap { unit in unitTensors.map { unit.name + $0 } } + ["fc.weight", "fc.bias"]

  /// The suffixes of the tensors of a unit.
  static let unitTensors = [
    ".conv.weight", ".bn.weight", ".bn.bias", ".bn.running_mean", ".bn.running_var",
  ]

  private static func units(of steps: [Step]) -> [Unit] {
    steps.flatMap { step -> [Unit] in
      switch step {
      case .unit(let unit): [unit]
      case .branches(let branches): branches.flatMap(units)
      case .maxPool, .averagePool: []
      }
    }
  }
}

// MARK: - Blocks

extension InceptionPlan {
  private static func stem(_ name: String, _ graphName: String, _ window: Window = .same) -> Step {
    .unit(
      Unit(name: name, graphName: graphName, scriptName: "layers.\(graphName)", window: window))
  }

  /// Creates the units of one block, whose names begin with the block's names.
  private struct Block {
    let name: String
    let graphName: String
    /// NVIDIA's program nests modules like the names in the graph, except for the last two blocks.
    var separator = "."

    func callAsFunction(_ branch: String, _ path: String, _ window: Window = .same) -> Step {
      .unit(
        Unit(
          name: "\(name).\(branch)", graphName: "\(graphName)/\(path)",
          scriptName: "layers.\(graphName)."
            + path.split(separator: "/").joined(
              separator: separator),
          window: window))
    }
  }

  private static func mixedA(_ name: String, _ graphName: String) -> Step {
    let unit = Block(name: name, graphName: graphName)
    return .branches([
      [unit("branch1x1", "conv")],
      [unit("branch5x5_1", "tower/conv"), unit("branch5x5_2", "tower/conv_1")],
      [
        unit("branch3x3dbl_1", "tower_1/conv"), unit("branch3x3dbl_2", "tower_1/conv_1"),
        unit("branch3x3dbl_3", "tower_1/conv_2"),
      ],
      [.averagePool(.same), unit("branch_pool", "tower_2/conv")],
    ])
  }

  private static func mixedB(_ name: String, _ graphName: String) -> Step {
    let unit = Block(name: name, graphName: graphName)
    return .branches([
      [unit("branch3x3", "conv", .halving)],
      [
        unit("branch3x3dbl_1", "tower/conv"), unit("branch3x3dbl_2", "tower/conv_1"),
        unit("branch3x3dbl_3", "tower/conv_2", .halving),
      ],
      [.maxPool(.halving)],
    ])
  }

  private static func mixedC(_ name: String, _ graphName: String) -> Step {
    let unit = Block(name: name, graphName: graphName)
    return .branches([
      [unit("branch1x1", "conv")],
      [
        unit("branch7x7_1", "tower/conv"), unit("branch7x7_2", "tower/conv_1"),
        unit("branch7x7_3", "tower/conv_2"),
      ],
      [
        unit("branch7x7dbl_1", "tower_1/conv"), unit("branch7x7dbl_2", "tower_1/conv_1"),
        unit("branch7x7dbl_3", "tower_1/conv_2"), unit("branch7x7dbl_4", "tower_1/conv_3"),
        unit("branch7x7dbl_5", "tower_1/conv_4"),
      ],
      [.averagePool(.same), unit("branch_pool", "tower_2/conv")],
    ])
  }

  private static func mixedD(_ name: String, _ graphName: String) -> Step {
    let unit = Block(name: name, graphName: graphName)
    return .branches([
      [unit("branch3x3_1", "tower/conv"), unit("branch3x3_2", "tower/conv_1", .halving)],
      [
        unit("branch7x7x3_1", "tower_1/conv"), unit("branch7x7x3_2", "tower_1/conv_1"),
        unit("branch7x7x3_3", "tower_1/conv_2"), unit("branch7x7x3_4", "tower_1/conv_3", .halving),
      ],
      [.maxPool(.halving)],
    ])
  }

  private static func mixedE(_ name: String, _ graphName: String, pool: Step) -> Step {
    let unit = Block(name: name, graphName: graphName, separator: "_")
    return .branches([
      [unit("branch1x1", "conv")],
      [
        unit("branch3x3_1", "tower/conv"),
        .branches([
          [unit("branch3x3_2a", "tower/mixed/conv")], [unit("branch3x3_2b", "tower/mixed/conv_1")],
        ]),
      ],
      [
        unit("branch3x3dbl_1", "tower_1/conv"), unit("branch3x3dbl_2", "tower_1/conv_1"),
        .branches([
          [unit("branch3x3dbl_3a", "tower_1/mixed/conv")],
          [unit("branch3x3dbl_3b", "tower_1/mixed/conv_1")],
        ]),
      ],
      [pool, unit("branch_pool", "tower_2/conv")],
    ])
  }
}
