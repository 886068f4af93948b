// What a user of the library meets of the rooms below.
@_exported import Features
@_exported import References
@_exported import Results
@_exported import Sampling
@_exported import Work
