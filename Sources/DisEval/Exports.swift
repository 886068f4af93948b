// The modules whose types the signatures of this one show, so that `import DisEval` names all of them.
@_exported import Backbones
@_exported import Diffusion
@_exported import FeatureExtractors
@_exported import Features
@_exported import Files
@_exported import GenerativeMetrics
@_exported import Generators
@_exported import Images
@_exported import References
@_exported import Results
@_exported import Runs
@_exported import Sampling
@_exported import Tensors
@_exported import Work
