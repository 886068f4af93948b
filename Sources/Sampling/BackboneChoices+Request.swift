import Backbones
import Diffusion
import Files
import Results

extension BackboneChoices {
  /// Creates the choices of a request.
  ///
  /// - Throws: `Failure` `RequestInvalid` (65) if a name is unknown to this version, or the request
  ///   says both that a label stands for no class and that none does.
  package init(_ request: BackboneRequest?) throws(Failure) {
    self.init()
    guard let request else { return }
    func known<Value: RawRepresentable<String>>(
      _ what: String, _ name: String?
    ) throws(Failure) -> Value? {
      guard let name else { return nil }
      guard let value = Value(rawValue: name) else { throw .unknownName(what, name) }
      return value
    }
    family = try known("backbone", request.family)
    objective = try known("objective", request.objective)
    path = try known("path", request.path)
    flowPrediction = try known("flow_prediction", request.flowPrediction)
    heads = request.heads
    guard request.nullClass == nil || request.noNullClass != true else {
      throw Failure(
        .dataRefused, .requestInvalid, "null_class \(request.nullClass ?? 0)",
        "and also no_null_class; expected one of them")
    }
    nullClass = request.nullClass.map(NullClass.label)
    if request.noNullClass == true { nullClass = NullClass.none }
  }

  /// The choices in plain values; nil if there are none.
  package var request: BackboneRequest? {
    guard self != BackboneChoices() else { return nil }
    var request = BackboneRequest()
    (request.family, request.objective) = (family?.rawValue, objective?.rawValue)
    (request.path, request.flowPrediction) = (path?.rawValue, flowPrediction?.rawValue)
    request.heads = heads
    switch nullClass {
    case nil: break
    case .label(let label): request.nullClass = label
    case .some(.none): request.noNullClass = true
    }
    return request
  }
}

extension Failure {
  /// Returns the refusal of a name in a request.
  static func unknownName(_ what: String, _ name: String) -> Failure {
    Failure(.dataRefused, .requestInvalid, "\(what) \(name)", "this version does not know it")
  }
}
