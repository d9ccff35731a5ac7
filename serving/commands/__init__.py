"""The commands of `touchpoint`, by what they are about; each parses, calls one function and prints its result."""
