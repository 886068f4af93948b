import Files

/// The subset of the 1000 training timesteps that a sampler visits, in the notation of the
/// original.
///
/// - `"250"`: that many timesteps, evenly spaced from 0 to 999. `"10,5,5"`: that many from each of
///   several equal sections.
/// - `"ddim50"`: the first integer stride that gives 50 timesteps, starting at 0; 999 is not
///   included.
/// - `"dpm50"`, which is not part of the original: the ends of 50 equal intervals from 999 down to
///   0, excluding 0 itself, as diffusers' `linspace` spacing for DPM-Solver. For 1000 intervals,
///   one end occurs twice and is kept once, so `"dpm1000"` has 999 steps.
/// - SeeAlso: `space_timesteps` in `diffusion/respace.py`, facebookresearch/DiT;
///   `DPMSolverMultistepScheduler.set_timesteps`, huggingface/diffusers.
public struct Respacing: Equatable, Sendable, CustomStringConvertible {
  /// The number of timesteps of training.
  package static let trainingSteps = 1000
  /// The timesteps of training, 0 to 999.
  package static let trainingTimesteps = 0...trainingSteps - 1

  /// The kept timesteps, ascending.
  public let timesteps: [Int]
  /// The string from which the respacing was created.
  public let description: String

  /// 250 evenly spaced timesteps, `"250"`, as in the original's `sample.py`.
  public static let `default` = {
    do {
      return try Respacing("250")
    } catch {
      preconditionFailure("250 of 1000 timesteps")
    }
  }()

  /// Parses the notation of the original, such as `250` or `ddim50`.
  ///
  /// - Throws: ``Failure`` `InvalidRespacing` (64) if `text` has a different form, requests more
  ///   steps than exist, or gives timestep 0 alone.
  public init(_ text: String) throws(Failure) {
    let total = Self.trainingSteps
    func refusal(_ reason: String) -> Failure {
      Failure(
        .usage, .invalidRespacing, text,
        "\(reason); expected a number of steps such as 250, sections such as 10,15,20, ddim50, or "
          + "dpm50")
    }
    func count(_ part: Substring) throws(Failure) -> Int {
      guard let value = Int(part), value >= 1, part.allSatisfy(\.isWholeNumber) else {
        throw refusal("'\(part)' is no number of steps")
      }
      return value
    }

    if text.hasPrefix("ddim") {
      let wanted = try count(text.dropFirst(4))
      guard let stride = (1..<total).first(where: { (total + $0 - 1) / $0 == wanted }) else {
        throw refusal("no integer stride gives exactly \(wanted) of \(total) steps")
      }
      timesteps = Array(Swift.stride(from: 0, to: total, by: stride))
    } else if text.hasPrefix("dpm") {
      let wanted = try count(text.dropFirst(3))
      guard wanted <= total else {
        throw refusal("\(total) steps cannot be divided into \(wanted)")
      }
      let interval = Double(total - 1) / Double(wanted)
      let ends = (1...wanted).map { Int((Double($0) * interval).rounded(.toNearestOrEven)) }
      timesteps = Array(Set(ends)).sorted()
    } else {
      var sections: [Int] = []
      for part in text.split(separator: ",", omittingEmptySubsequences: false) {
        sections.append(try count(part))
      }
      var result: [Int] = []
      var start = 0
      for (index, wanted) in sections.enumerated() {
        let size = total / sections.count + (index < total % sections.count ? 1 : 0)
        guard wanted <= size else {
          throw refusal("a section of \(size) steps cannot be divided into \(wanted)")
        }
        // The position is accumulated in Double and rounded half to even, as in Python. Neither
        // rounding half away from zero nor index * stride gives the same steps.
        let stride = wanted == 1 ? 1 : Double(size - 1) / Double(wanted - 1)
        var position = 0.0
        for _ in 0..<wanted {
          result.append(start + Int(position.rounded(.toNearestOrEven)))
          position += stride
        }
        start += size
      }
      timesteps = Array(Set(result)).sorted()
    }
    guard timesteps.count >= 2 || timesteps[0] > 0 else {
      throw refusal("a single step at timestep 0 would start from an image; use dpm1")
    }
    description = text
  }
}
