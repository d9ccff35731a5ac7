"""The demo's inputs: a catalogue, one mapping per table, and the few lines that write the public data set out as files."""
