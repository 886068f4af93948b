// The DiS network.
