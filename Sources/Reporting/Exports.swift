// The modules whose types the signatures of this one show, so that `import Reporting` names all of them.
@_exported import Files
@_exported import GenerativeMetrics
@_exported import Results
@_exported import Tensors
