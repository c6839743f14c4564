"""From a name, a file, a folder or a handle to a network with weights."""
