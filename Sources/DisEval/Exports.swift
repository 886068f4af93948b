// The modules that a user of the library also needs.
@_exported import Features
@_exported import References
@_exported import Results
@_exported import Sampling
@_exported import Work
